import { describe, expect, it } from 'vitest'
import type { MinuteCount } from './count.ts'
import { createDetector, type Detector } from './detector.ts'
import type { Incident } from './incident.ts'
import { createTraffic, START, type Traffic, type TrafficSource } from './testing/traffic.ts'

const HOURS = 60
const healthy = () => 0.006
const failsFrom = (onset: number, rate: number) => (t: number) => (t < onset ? 0.006 : rate)

type Run = { detector: Detector; changes: Incident[] }

/** Judges minutes 0 … minutes − 1 and collects every change of an incident. */
function run(minutes: number, source: TrafficSource, detector = createDetector(), from = 0): Run {
  const changes: Incident[] = []
  for (let t = from; t < minutes; t++)
    changes.push(...detector.judgeMinute(START + t * 60, source(t)).incidents)
  return { detector, changes }
}

/** Twenty ordinary networks of 1 to 20 clients a minute, and whatever is added. */
function fleet(...added: Traffic[]): Traffic[] {
  const ordinary = Array.from({ length: 20 }, (_, i) => ({ asn: 65000 + i, clients: 1 + i, rate: healthy }))
  return [...ordinary, ...added]
}

const minuteOf = (seconds: number) => (seconds - START) / 60

describe('a network that fails', () => {
  it.each([
    { clients: 5, rate: 1 },
    { clients: 20, rate: 1 },
    { clients: 5, rate: 0.5 },
    { clients: 20, rate: 0.5 },
  ])(
    'is found within twelve minutes after six hours of history: $clients clients a minute, rate $rate',
    (sick) => {
      const onset = 6 * HOURS
      const source = createTraffic(
        1,
        fleet({ asn: 64500, clients: sick.clients, rate: failsFrom(onset, sick.rate) }),
      )
      const { detector, changes } = run(onset + 12, source)
      const open = detector.openIncidents()
      expect(open.map(({ asn, scope, kind }) => ({ asn, scope, kind }))).toEqual([
        { asn: 64500, scope: 'network', kind: 'divergence' },
      ])
      expect(changes.every((incident) => incident.asn === 64500)).toBe(true)
      expect(Math.abs(minuteOf(open[0]?.onset ?? 0) - onset)).toBeLessThanOrEqual(2)
    },
  )

  it('is found with minutes of history, and the healthy network beside it is not', () => {
    // The later ones cross the full hour, when histories are written, between healthy and failing.
    for (const onset of [2, 3, 4, 57, 58, 59, 60]) {
      const start = onset > 50 ? 55 : 0
      const source = createTraffic(onset, [
        { asn: 64500, clients: 30, rate: (t) => (t < onset ? 0 : 1) },
        { asn: 64501, clients: 30, rate: () => 0 },
      ])
      const { detector } = run(onset + 4, source, createDetector(), start)
      const open = detector.openIncidents()
      expect(open.map(({ asn }) => asn)).toEqual([64500])
      expect(open[0]?.expected_rate).toBeLessThan(0.1)
    }
  })

  it('is found with minutes of history even when all of it is one client', () => {
    const source = createTraffic(2, [
      { asn: 64500, clients: 1, fixed: true, population: 1, handshakes: 30, rate: (t) => (t < 3 ? 0 : 1) },
      { asn: 64501, clients: 1, fixed: true, population: 1, handshakes: 30, rate: () => 0 },
    ])
    const { detector } = run(3 + 8, source)
    expect(detector.openIncidents().map(({ asn }) => asn)).toEqual([64500])
  })

  it('is found when its clients come one at a time', () => {
    const onset = 24 * HOURS
    const lonely = { asn: 64500, clients: 1, fixed: true, rate: failsFrom(onset, 1) }
    const { detector } = run(onset + 6, createTraffic(25, fleet(lonely)))
    expect(detector.openIncidents().map(({ asn }) => asn)).toEqual([64500])
  })

  it('is closed within twenty minutes of its recovery, and says since when', () => {
    const onset = 3 * HOURS
    const rate = (t: number) => (t >= onset && t < onset + 60 ? 0.8 : 0.006)
    const { detector, changes } = run(onset + 80, createTraffic(3, fleet({ asn: 64500, clients: 10, rate })))
    const last = changes.at(-1)
    expect(detector.openIncidents()).toEqual([])
    expect(last).toMatchObject({ state: 'closed', asn: 64500, reopened: 0 })
    expect(minuteOf(last?.closed_at ?? 0)).toBeGreaterThan(onset + 60)
    expect(last?.explanation).toContain('over since')
  })

  it('keeps one incident while it flaps', () => {
    const onset = 3 * HOURS
    const rate = (t: number) => (t >= onset && t < onset + 60 && t % 10 < 5 ? 0.9 : 0.006)
    const { changes } = run(onset + 100, createTraffic(4, fleet({ asn: 64500, clients: 10, rate })))
    expect(new Set(changes.map(({ id }) => id)).size).toBe(1)
    expect(changes.at(-1)?.reopened).toBe(0)
  })
})

describe('the rest of the world', () => {
  it('is judged as one incident of ours when every network fails at once, and no network is blamed', () => {
    const onset = 3 * HOURS
    const broken = fleet().map((network) => ({ ...network, rate: failsFrom(onset, 1) }))
    const { changes } = run(onset + 30, createTraffic(5, broken))
    expect(new Set(changes.map(({ id }) => id)).size).toBe(1)
    expect(changes[0]).toMatchObject({ scope: 'world', kind: 'our_side', asn: 0 })
    expect(changes[0]?.explanation).toContain('our side')
  })

  it('is our side too when there are only two networks', () => {
    const broken = [64500, 64501].map((asn) => ({ asn, clients: 30, rate: failsFrom(30, 1) }))
    const { changes } = run(60, createTraffic(6, broken))
    expect(new Set(changes.map(({ scope }) => scope))).toEqual(new Set(['world']))
  })

  it('is not our side when one of two or three networks fails', () => {
    for (const others of [1, 2]) {
      const onset = 3 * HOURS
      const well = Array.from({ length: others }, (_, i) => ({ asn: 64501 + i, clients: 30, rate: healthy }))
      const sick = { asn: 64500, clients: 30, rate: failsFrom(onset, 1) }
      const { changes } = run(onset + 20, createTraffic(24, [sick, ...well]))
      expect(new Set(changes.map(({ scope, asn }) => `${scope} ${asn}`))).toEqual(new Set(['network 64500']))
    }
  })

  it('takes the blame at one site alone when only that site fails', () => {
    const onset = 3 * HOURS
    const sites = ['fra', 'ams'].flatMap((site) =>
      fleet().map((network) => ({
        ...network,
        site,
        rate: site === 'fra' ? failsFrom(onset, 0.7) : healthy,
      })),
    )
    const { changes } = run(onset + 30, createTraffic(7, sites))
    expect(new Set(changes.map(({ scope, site }) => `${scope} ${site}`))).toEqual(new Set(['site fra']))
  })

  it('blames no network, not even the worst, while most of everybody’s handshakes fail', () => {
    const onset = 3 * HOURS
    const broken = fleet().map((network, i) => ({ ...network, rate: failsFrom(onset, i === 15 ? 1 : 0.55) }))
    const { changes } = run(onset + 30, createTraffic(22, broken))
    expect(new Set(changes.map(({ scope }) => scope))).toEqual(new Set(['world']))
  })

  it('excuses a network that fails like everybody does', () => {
    const onset = 3 * HOURS
    const broken = fleet().map((network) => ({ ...network, rate: failsFrom(onset, 0.2) }))
    const { changes } = run(onset + 60, createTraffic(8, broken))
    expect(changes.filter(({ scope }) => scope === 'network')).toEqual([])
  })
})

describe('a single client', () => {
  it('that fails every minute does not condemn its network', () => {
    const onset = 3 * HOURS
    const source = createTraffic(9, fleet({ asn: 64500, clients: 5, rate: healthy }))
    const { changes, detector } = run(onset + 3 * HOURS, (t) =>
      source(t).map((count) => withBot(count, t >= onset)),
    )
    expect(changes).toEqual([])
    expect(detector.state({ asn: 64500, label: '', prefix: '' })?.client_left_out).toBe(true)
  })

  it('that is left out does not hide what happens to the others', () => {
    const bot = 3 * HOURS
    const onset = bot + 3 * HOURS
    const source = createTraffic(10, fleet({ asn: 64500, clients: 5, rate: failsFrom(onset, 0.6) }))
    const { changes } = run(onset + 12, (t) => source(t).map((count) => withBot(count, t >= bot)))
    expect(changes.map(({ asn }) => asn)).toContain(64500)
    expect(minuteOf(changes[0]?.opened_at ?? 0)).toBeGreaterThanOrEqual(onset)
  })
})

describe('a prefix', () => {
  const offices = (onset: number, sick: (prefix: number) => boolean): Traffic[] =>
    Array.from({ length: 20 }, (_, i) => ({
      asn: 64500,
      prefix: `203.0.${i}.0/24`,
      clients: 2.5,
      rate: sick(i) ? failsFrom(onset, 1) : healthy,
    }))

  it('that fails inside a healthy network stands alone', () => {
    const onset = 6 * HOURS
    const source = createTraffic(11, [...offices(onset, (i) => i === 7), ...fleet()])
    const { detector } = run(onset + 15, (t) => withNetworks(source(t)))
    const open = detector.openIncidents()
    expect(open.map(({ scope, prefix }) => ({ scope, prefix }))).toEqual([
      { scope: 'prefix', prefix: '203.0.7.0/24' },
    ])
  })

  it('is part of the network’s incident when all of the network fails', () => {
    const onset = 6 * HOURS
    const source = createTraffic(12, [...offices(onset, () => true), ...fleet()])
    const { changes } = run(onset + 15, (t) => withNetworks(source(t)))
    expect(new Set(changes.map(({ scope, asn }) => `${scope} ${asn}`))).toEqual(new Set(['network 64500']))
  })

  it('gathers no evidence for what its whole network shows', () => {
    const onset = 6 * HOURS
    const source = createTraffic(23, [...offices(onset, () => true), ...fleet()])
    const { detector } = run(onset + 2, (t) => withNetworks(source(t)))
    const evidence = (prefix: string) => detector.state({ asn: 64500, label: '', prefix })?.evidence ?? 0
    expect(evidence('')).toBeGreaterThan(1e5)
    for (let i = 0; i < 20; i++) expect(evidence(`203.0.${i}.0/24`)).toBeLessThan(100)
  })

  it('is named when a few of them explain the network’s excess', () => {
    const onset = 6 * HOURS
    const sick = (i: number) => i === 3 || i === 4
    const source = createTraffic(13, [...offices(onset, sick), ...fleet()])
    const { detector } = run(onset + 20, (t) => withNetworks(source(t)))
    const named = detector
      .openIncidents()
      .flatMap(({ scope, prefix, prefixes }) => (scope === 'prefix' ? [prefix] : prefixes))
    expect(named.sort()).toEqual(['203.0.3.0/24', '203.0.4.0/24'])
  })
})

describe('judgeMinute', () => {
  it('is deterministic: the same minutes give the same incidents, whatever the order of the rows', () => {
    const onset = 3 * HOURS
    const networks = fleet({ asn: 64500, clients: 10, rate: failsFrom(onset, 0.5) })
    const once = run(onset + 30, createTraffic(14, networks))
    const source = createTraffic(14, networks)
    const again = run(onset + 30, (t) => source(t).reverse())
    expect(again.changes).toEqual(once.changes)
    const stream = { asn: 64500, label: '', prefix: '' }
    expect(again.detector.state(stream)).toEqual(once.detector.state(stream))
  })

  it('lets the clock stand still while there is no data at all', () => {
    const source = createTraffic(15, fleet())
    const { detector } = run(3 * HOURS, source)
    const stream = { asn: 65019, label: '', prefix: '' }
    const before = detector.state(stream)
    for (let t = 3 * HOURS; t < 9 * HOURS; t++) detector.judgeMinute(START + t * 60, [])
    expect(detector.state(stream)).toEqual(before)
    const { changes } = run(12 * HOURS, source, detector, 9 * HOURS)
    expect(changes).toEqual([])
  })

  it('follows no more prefixes than it may, but every network', () => {
    const detector = createDetector({ most_streams: 30 })
    const many = Array.from({ length: 50 }, (_, i) => ({
      prefix: `203.0.${i}.0/24`,
      clients: 5,
      rate: healthy,
    }))
    const source = createTraffic(20, many)
    run(5, (t) => withNetworks(source(t)), detector)
    run(10, createTraffic(21, fleet()), detector, 5)
    expect(detector.state({ asn: 64500, label: '', prefix: '203.0.49.0/24' })).toBeUndefined()
    expect(detector.state({ asn: 65019, label: '', prefix: '' })).toBeDefined()
    // Among them the world's own.
    expect(detector.size().streams).toBe(30 + 20 + 1)
  })

  it('never judges the unknown network, nor fails on empty or odd counts', () => {
    const source = createTraffic(16, fleet({ asn: 0, clients: 20, rate: failsFrom(3 * HOURS, 1) }))
    const { changes } = run(4 * HOURS, source)
    expect(changes).toEqual([])
  })

  it('takes a fleet as it is that usually fails more than expected of strangers', () => {
    const usual = fleet().map((network) => ({ ...network, rate: () => 0.1 }))
    const { changes, detector } = run(8 * HOURS, createTraffic(18, usual))
    expect(changes).toEqual([])
    expect(detector.state({ asn: 65019, label: '', prefix: '' })?.usual_rate).toBeCloseTo(0.1, 1)
  })

  it('learns what stays: a shift of all networks is how the world is after a day', () => {
    const onset = 24 * HOURS
    const shifted = fleet().map((network) => ({ ...network, rate: failsFrom(onset, 0.12) }))
    const { detector } = run(onset + 72 * HOURS, createTraffic(19, shifted))
    expect(detector.state({ asn: 65019, label: '', prefix: '' })?.usual_rate).toBeGreaterThan(0.04)
  })

  it('stays silent on healthy traffic for two days', () => {
    const { changes } = run(48 * HOURS, createTraffic(17, fleet()))
    expect(changes).toEqual([])
  })
})

function withBot(count: MinuteCount, active: boolean): MinuteCount {
  if (!active || count.asn !== 64500) return count
  const { clients, failed_clients, failed } = count
  return {
    ...count,
    clients: clients + 1,
    failed_clients: failed_clients + 1,
    failed: failed + 9,
    worst_client: 'bot',
    worst_client_failed: 9,
  }
}

/** Adds the network's own rows, the sums over its prefixes. */
function withNetworks(counts: MinuteCount[]): MinuteCount[] {
  const own = counts.filter(({ prefix }) => prefix !== '')
  if (own.length === 0) return counts
  const sum = (field: 'clients' | 'failed_clients' | 'completed' | 'failed') =>
    own.reduce((total, count) => total + count[field], 0)
  const [first] = own
  if (first === undefined) return counts
  const worst = own.find(({ worst_client }) => worst_client !== '') ?? first
  const network = {
    ...first,
    prefix: '',
    clients: sum('clients'),
    failed_clients: sum('failed_clients'),
    completed: sum('completed'),
    failed: sum('failed'),
    worst_client: worst.worst_client,
    worst_client_failed: worst.worst_client_failed,
  }
  return [network, ...counts]
}

describe('networks that begin to fail together', () => {
  const onset = 6 * HOURS
  const end = onset + 60
  /** Six of fifty networks behind one provider, at the same minute; they recover, one of them later. */
  const rateOf = (index: number) => (t: number) =>
    t >= onset && t < end + (index === 0 ? 120 : 0) ? 0.6 : 0.006
  const behind = Array.from({ length: 6 }, (_, i) => ({ asn: 64600 + i, clients: 12, rate: rateOf(i) }))
  const others = Array.from({ length: 30 }, (_, i) => ({ asn: 65100 + i, clients: 20, rate: healthy }))

  it('are one open incident with members, whose own incidents say where they belong', () => {
    const { detector, changes } = run(onset + 30, createTraffic(3, fleet(...behind, ...others)))
    const [open, ...more] = detector.openIncidents()
    expect(more).toEqual([])
    expect(open).toMatchObject({ scope: 'networks', kind: 'divergence', state: 'open' })
    expect([...(open?.members ?? [])].sort()).toEqual(behind.map(({ asn }) => `AS${asn}`))
    expect(open?.failure_rate).toBeGreaterThan(0.5)
    expect(open?.explanation).toMatch(
      /^6 networks \(AS\d+, .* and 1 more\): .*; they began together, so look upstream/,
    )
    const last = lastOf(changes)
    for (const { asn } of behind) {
      const own = [...last.values()].find((incident) => incident.asn === asn)
      expect(own).toMatchObject({ state: 'closed', members: [open?.id] })
      expect(own?.explanation).toContain(`it is part of ${open?.id}`)
    }
  })

  it('end as one, and who goes on failing stands alone again', () => {
    const { detector, changes } = run(end + 60, createTraffic(3, fleet(...behind, ...others)))
    const shared = [...lastOf(changes).values()].filter(({ scope }) => scope === 'networks')
    expect(shared).toHaveLength(1)
    expect(shared[0]).toMatchObject({ state: 'closed' })
    expect(detector.openIncidents()).toMatchObject([
      { asn: 64600, scope: 'network', state: 'open', members: [] },
    ])
  })

  it('are told apart from four that do so by chance, and from those that begin an hour apart', () => {
    const four = run(onset + 30, createTraffic(3, fleet(...behind.slice(0, 4), ...others)))
    expect(four.detector.openIncidents().map(({ scope }) => scope)).toEqual([
      'network',
      'network',
      'network',
      'network',
    ])
    const apart = behind.map((network, i) => ({ ...network, rate: failsFrom(onset + i * 20, 0.6) }))
    const { detector } = run(onset + 150, createTraffic(3, fleet(...apart, ...others)))
    expect(new Set(detector.openIncidents().map(({ scope }) => scope))).toEqual(new Set(['network']))
  })
})

function lastOf(changes: readonly Incident[]): Map<string, Incident> {
  return new Map(changes.map((incident) => [incident.id, incident]))
}

describe('closed by hand', () => {
  const onset = 4 * HOURS
  const sited = (site: string) =>
    Array.from({ length: 10 }, (_, i) => ({ asn: 65000 + i, clients: 5 + i, rate: healthy, site }))
  const broken = (site: string) =>
    Array.from({ length: 10 }, (_, i) => ({
      ...{ asn: 65100 + i, clients: 5 + i, site },
      rate: failsFrom(onset, 1),
    }))
  const prefixed: Traffic[] = [
    { asn: 64500, clients: 40, rate: healthy },
    { asn: 64500, prefix: '192.0.2.0/24', clients: 10, rate: failsFrom(onset, 1) },
  ]

  it.each([
    ['world', broken('fra')],
    ['site', [...sited('fra'), ...sited('lon'), ...broken('ams')]],
    ['site', [...sited('fra'), ...sited('lon'), ...broken('')]],
    ['network', fleet({ asn: 64500, label: 'Office', clients: 20, rate: failsFrom(onset, 1) })],
    ['prefix', fleet(...prefixed)],
  ] as [string, Traffic[]][])('ends an incident of a %s and lets it open another', (scope, traffic) => {
    const source = createTraffic(7, traffic)
    const { detector } = run(onset + 12, source)
    const [incident] = detector.openIncidents()
    expect(incident).toMatchObject({ scope, state: 'open' })
    const minute = START + (onset + 12) * 60
    const [closed, ...more] = detector.closeByHand(incident as Incident, minute)
    expect(more).toEqual([])
    expect(closed).toMatchObject({
      id: incident?.id,
      state: 'closed',
      closed_at: minute,
      version: minute,
      updated_at: minute,
    })
    expect(closed?.explanation).toMatch(/closed by hand at 02:12$/)
    expect(detector.openIncidents().map(({ id }) => id)).not.toContain(incident?.id)
    run(onset + 24, source, detector, onset + 12)
    const again = detector.openIncidents().filter((open) => open.scope === scope)
    expect(again).toHaveLength(1)
    expect(again[0]?.id).not.toBe(incident?.id)
    expect(again[0]).toMatchObject({ reopened: 0 })
    expect(again[0]?.onset).toBeGreaterThanOrEqual(minute)
  })

  it('forgets evidence that has not opened anything yet, as a replay over less history may have it', () => {
    const source = createTraffic(7, fleet({ asn: 64500, clients: 20, rate: failsFrom(onset, 0.3) }))
    const { detector } = run(onset + 1, source)
    const stream = { scope: 'network', asn: 64500, label: '', prefix: '', site: '' } as const
    expect(detector.state(stream)?.evidence).toBeGreaterThan(5)
    expect(detector.closeByHand(stream, START + (onset + 1) * 60)).toEqual([])
    expect(detector.state(stream)).toMatchObject({ evidence: 0, cusum: 0, onset: 0 })
  })

  it('is nothing for a stream that was never seen', () => {
    const { detector } = run(10, createTraffic(7, fleet()))
    for (const scope of ['network', 'prefix', 'site', 'world'] as const) {
      const stream = { scope, asn: 1, label: '', prefix: scope === 'prefix' ? '::/48' : '', site: 'nowhere' }
      expect(detector.closeByHand(stream, START + 600)).toEqual([])
    }
  })
})

it('closes by hand what several networks share, with all of them', () => {
  const onset = 6 * HOURS
  const behind = Array.from({ length: 6 }, (_, i) => ({
    asn: 64600 + i,
    clients: 12,
    rate: failsFrom(onset, 0.6),
  }))
  const others = Array.from({ length: 30 }, (_, i) => ({ asn: 65100 + i, clients: 20, rate: healthy }))
  const source = createTraffic(3, fleet(...behind, ...others))
  const { detector } = run(onset + 20, source)
  const [shared] = detector.openIncidents()
  const minute = START + (onset + 20) * 60
  const ended = detector.closeByHand({ ...(shared as Incident), incident: shared?.id ?? '' }, minute)
  const group = ended.find(({ scope }) => scope === 'networks')
  expect(group).toMatchObject({ id: shared?.id, state: 'closed', closed_at: minute })
  expect(group?.explanation).toMatch(/closed by hand/)
  expect(ended.filter(({ scope }) => scope === 'network')).toHaveLength(6)
  expect(detector.openIncidents()).toEqual([])
  run(onset + 40, source, detector, onset + 20)
  const again = detector.openIncidents()
  expect(again).toMatchObject([{ scope: 'networks', state: 'open' }])
  expect(again[0]?.id).not.toBe(shared?.id)
})
