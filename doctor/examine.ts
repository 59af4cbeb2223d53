import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { type HelloProbe, isTls, sayHello, type Target } from './hello-probe.ts'
import { type PathMtu, pathMtu } from './path-mtu.ts'
import { openSession, type Session } from './session-probe.ts'

/** What was found out about one address. */
export type Findings = {
  address: string
  family: 4 | 6
  /** An ordinary ClientHello, and one whose answer is the smallest there is: an alert. */
  ordinary: HelloProbe
  unanswerable: HelloProbe
  /** An ordinary one without a server name; undefined when none was asked for. */
  nameless: HelloProbe | undefined
  /** One of more than a segment, and one with a post-quantum key. */
  large: HelloProbe
  postQuantum: HelloProbe
  /** When the large one fails and the ordinary one does not: which sizes get through, in rising order. */
  sizes: readonly HelloProbe[]
  session: Session
  pathMtu: PathMtu
}

export type Request = {
  host: string
  port: number
  /** The name to ask for; the host, without it. */
  serverName?: string | undefined
  /** Authorities to trust besides the usual ones, PEM. */
  ca?: string | undefined
  /** ms that each probe may take. */
  patience: number
  families: readonly (4 | 6)[]
  onProgress: (what: string) => void
}

export class NameUnknown extends Error {
  override readonly name = 'NameUnknown'
}

/** As browsers send today, with a post-quantum key: more than a segment. */
const LARGE_BYTES = 1_750
/** Around the sizes at which tunnels and PPPoE cut, up to what Ethernet takes. */
const SIZES = [600, 1_000, 1_200, 1_240, 1_280, 1_320, 1_360, 1_380, 1_400, 1_420, 1_440, 1_448]

/** Examines every address of a host, those of both families. @throws NameUnknown */
export async function examine(request: Request): Promise<Findings[]> {
  const { host, families, onProgress } = request
  onProgress(`looking up ${host} …`)
  const addresses = await addressesOf(host)
  const chosen = families.flatMap((family) => {
    const address = addresses.find((one) => familyOf(one) === family)
    return address === undefined ? [] : [address]
  })
  if (chosen.length === 0) {
    const wanted = families.map((family) => `IPv${family}`).join(' or ')
    throw new NameUnknown(`${host} has no address of ${wanted}; it has ${addresses.join(', ')}`)
  }
  const findings: Findings[] = []
  for (const address of chosen) findings.push(await examineAddress(address, request))
  return findings
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new NameUnknown(
      `${host} has no address (${code ?? 'lookup failed'}); is the name right, and DNS reachable?`,
    )
  }
}

async function examineAddress(
  address: string,
  { host, port, serverName, ca, patience, onProgress }: Request,
): Promise<Findings> {
  const target: Target = { address, port, serverName: serverName ?? host }
  const hello = (options: Parameters<typeof sayHello>[1]) =>
    twice(() => sayHello(target, options, patience), isTls)
  onProgress(`${address}: hellos, small and large, and a whole handshake …`)
  const [ordinary, unanswerable, large, postQuantum, session, mtu] = await Promise.all([
    hello({}),
    hello({ unanswerable: true }),
    hello({ bytes: LARGE_BYTES }),
    hello({ bytes: LARGE_BYTES, postQuantum: true }),
    openSession(target, { ca, patience: 2 * patience }),
    pathMtu(address),
  ])
  const named = isIP(target.serverName) === 0
  const nameless = named && !isTls(ordinary) ? await hello({ withoutName: true }) : undefined
  onProgress(`${address}: which sizes pass …`)
  const sizes =
    isTls(ordinary) && !isTls(large) ? await Promise.all(SIZES.map((bytes) => hello({ bytes }))) : []
  return {
    ...{ address, family: familyOf(address), ordinary, unanswerable, nameless, large, postQuantum },
    ...{ sizes, session, pathMtu: mtu },
  }
}

/** What failed is tried once more: any packet may be lost. */
async function twice(probe: () => Promise<HelloProbe>, isGood: (probe: HelloProbe) => boolean) {
  const first = await probe()
  const isWorthIt = !isGood(first) && first.answer.kind !== 'no_connection'
  return isWorthIt ? await probe() : first
}

function familyOf(address: string): 4 | 6 {
  return isIPv6(address) ? 6 : 4
}
