import { createPrefixIndex } from './prefix-index.ts'

/** Handshakes of a minute, of a network (prefix '') or a prefix, in one stratum. */
export type Count = {
  /** Start of the minute, seconds since 1970. */
  minute: number
  asn: number
  label: string
  prefix: string
  site: string
  ip_version: number
  completed: number
  failed: number
  /** Of every outcome, noise and unknown too. */
  handshakes: number
  /** Failures by cause. */
  causes: Record<string, number>
}

export type Sum = Pick<Count, 'asn' | 'label' | 'completed' | 'failed' | 'handshakes' | 'causes'>

export function emptySum(asn = 0, label = ''): Sum {
  return { asn, label, completed: 0, failed: 0, handshakes: 0, causes: {} }
}

export function addTo(sum: Sum, count: Sum): void {
  sum.completed += count.completed
  sum.failed += count.failed
  sum.handshakes += count.handshakes
  for (const [cause, failures] of Object.entries(count.causes)) {
    sum.causes[cause] = (sum.causes[cause] ?? 0) + failures
  }
}

/** What a rule looks at of the counts. */
export type Lens = { over_s: number; sites: readonly string[]; ip_version: 4 | 6 | undefined }

/** Sums of the minutes that a lens takes together, by network. */
export type Sums = {
  all: Sum
  networks: ReadonlyMap<string, Sum>
  byAsn: ReadonlyMap<number, Sum[]>
  byLabel: ReadonlyMap<string, Sum[]>
}

export type MinuteCounts = { minute: number; networks: readonly Count[]; prefixes: readonly Count[] }

/** Sums for the rules of one minute; each lens is added up once, however many rules look through it. */
export function createSummer(window: readonly MinuteCounts[], minute: number) {
  const known = new Map<string, Sums>()
  const indexes = new Map<string, (prefix: string) => readonly Count[]>()
  const keyOf = ({ over_s, sites, ip_version }: Lens) => JSON.stringify([over_s, sites, ip_version])
  const within = ({ over_s }: Lens) =>
    window.filter((one) => one.minute > minute - over_s && one.minute <= minute)
  return {
    sums(lens: Lens): Sums {
      const key = keyOf(lens)
      const sums =
        known.get(key) ?? sumUp(within(lens).flatMap(({ networks }) => networks.filter(sees(lens))))
      known.set(key, sums)
      return sums
    },
    /** All prefixes together that lie inside one; ASN and label are those of most of the handshakes. */
    prefix(lens: Lens, outer: string): Sum {
      const key = keyOf(lens)
      const inside =
        indexes.get(key) ??
        createPrefixIndex(within(lens).flatMap(({ prefixes }) => prefixes.filter(sees(lens))))
      indexes.set(key, inside)
      const counts = inside(outer)
      const { all, networks } = sumUp(counts)
      const [most] = [...networks.values()].sort((a, b) => b.handshakes - a.handshakes)
      return { ...all, asn: most?.asn ?? 0, label: most?.label ?? '' }
    },
  }
}

function sees({ sites, ip_version }: Lens): (count: Count) => boolean {
  return (count) =>
    (sites.length === 0 || sites.includes(count.site)) &&
    (ip_version === undefined || count.ip_version === ip_version)
}

function sumUp(counts: readonly Count[]): Sums {
  const all = emptySum()
  const networks = new Map<string, Sum>()
  for (const count of counts) {
    addTo(all, count)
    const key = `${count.asn} ${count.label}`
    const sum = networks.get(key) ?? emptySum(count.asn, count.label)
    addTo(sum, count)
    networks.set(key, sum)
  }
  return {
    all,
    networks,
    byAsn: grouped([...networks.values()], ({ asn }) => asn),
    byLabel: grouped([...networks.values()], ({ label }) => label),
  }
}

function grouped<Key>(sums: readonly Sum[], keyOf: (sum: Sum) => Key): Map<Key, Sum[]> {
  const groups = new Map<Key, Sum[]>()
  for (const sum of sums) {
    const group = groups.get(keyOf(sum))
    if (group === undefined) groups.set(keyOf(sum), [sum])
    else group.push(sum)
  }
  return groups
}
