import { describe, expect, it } from 'vitest'
import type { Incident } from '../detector/incident.ts'
import type { Alert } from './alert.ts'
import { type Count, lensKey, type MinuteCounts } from './counts.ts'
import { evaluateMinute, firingIn, initialState, type State } from './evaluate.ts'
import type { Rule } from './rule.ts'
import { countOf, DIVERGENCE, incidentOf, ruleOf, START, whoOf } from './testing/builders.ts'
import { lensOf } from './window.ts'

const MINUTE = 60
const at = (minutes: number) => START + minutes * MINUTE

/** Judges minutes one after another; every change is kept. */
function judge({
  rules,
  minutes,
  counts = () => [],
  incidents = () => [],
  state = initialState(),
  from = 0,
  observed = true,
}: {
  rules: readonly Rule[]
  minutes: number
  counts?: (minute: number) => Count[]
  incidents?: (minute: number) => Incident[]
  state?: State
  from?: number
  observed?: boolean
}): { state: State; changes: Alert[] } {
  const changes: Alert[] = []
  const history: MinuteCounts[] = []
  let now = state
  for (let i = Math.min(0, from); i < from + minutes; i += 1) {
    const own = counts(i).map((count) => ({ ...count, minute: at(i) }))
    const isPrefix = ({ prefix }: Count) => prefix !== ''
    history.push({
      minute: at(i),
      networks: own.filter((one) => !isPrefix(one)),
      prefixes: own.filter(isPrefix),
    })
    if (i < from) continue
    const window = history.slice(-60)
    const step = evaluateMinute(rules, now, { minute: at(i), window, incidents: incidents(i), observed })
    // What is stored between two minutes is JSON.
    now = JSON.parse(JSON.stringify(step.state)) as State
    changes.push(...step.changes)
  }
  return { state: now, changes }
}

const short = ({
  rule,
  state,
  scope,
  asn,
  prefix,
  started_at,
  fired_at,
  resolved_at,
  resolution,
}: Alert) => ({
  rule,
  state,
  scope,
  subject: scope === 'prefix' ? prefix : asn,
  started: (started_at - START) / MINUTE,
  fired: (fired_at - START) / MINUTE,
  resolved: resolved_at === 0 ? null : (resolved_at - START) / MINUTE,
  ...(resolution === '' ? {} : { resolution }),
})

describe('a rule about divergence', () => {
  const rule = ruleOf({ what: DIVERGENCE })

  it('fires when an incident is open and resolves when it is closed', () => {
    const { changes } = judge({
      rules: [rule],
      minutes: 10,
      incidents: (i) => [incidentOf({ opened_at: at(2), closed_at: i >= 6 ? at(6) : 0 })],
    })
    expect(changes.map(short)).toEqual([
      {
        rule: 'rule',
        state: 'firing',
        scope: 'network',
        subject: 64_500,
        started: -1,
        fired: 2,
        resolved: null,
      },
      {
        rule: 'rule',
        state: 'resolved',
        scope: 'network',
        subject: 64_500,
        started: -1,
        fired: 2,
        resolved: 6,
        resolution: 'recovered',
      },
    ])
    expect(changes[0]?.id).toBe(changes[1]?.id)
  })

  it('gives the same alert when the incident was over before anybody looked, once', () => {
    const seen = (i: number) => [incidentOf({ opened_at: at(2), closed_at: i >= 6 ? at(6) : 0 })]
    const late = (i: number) => (i >= 9 ? [incidentOf({ opened_at: at(2), closed_at: at(6) })] : [])
    const live = judge({ rules: [rule], minutes: 12, incidents: seen }).changes.at(-1)
    const caughtUp = judge({ rules: [rule], minutes: 12, incidents: late }).changes
    expect(caughtUp.map(short)).toEqual(
      [live].flatMap((alert) => (alert === undefined ? [] : [short(alert)])),
    )
    expect(caughtUp[0]?.id).toBe(live?.id)
  })

  it('does not invent alerts of incidents that were over before the rule was there', () => {
    const { changes } = judge({
      rules: [rule],
      from: 10,
      minutes: 5,
      incidents: () => [incidentOf({ opened_at: at(2), closed_at: at(6) })],
    })
    expect(changes).toEqual([])
  })

  it('waits for its time, and for its evidence', () => {
    const open = (evidence: number) => (_: number) => [incidentOf({ opened_at: at(0), evidence })]
    const patient = { ...rule, for_s: 300 }
    expect(judge({ rules: [patient], minutes: 5, incidents: open(6e6) }).changes).toEqual([])
    expect(judge({ rules: [patient], minutes: 6, incidents: open(6e6) }).changes).toMatchObject([
      { fired_at: at(5) },
    ])
    const sceptical = { ...rule, what: { ...DIVERGENCE, minimum_evidence: 1e9 } }
    expect(judge({ rules: [sceptical], minutes: 5, incidents: open(6e6) }).changes).toEqual([])
    expect(judge({ rules: [sceptical], minutes: 5, incidents: open(2e9) }).changes).toHaveLength(1)
  })

  it('fires anew when the incident is reopened', () => {
    const states = (i: number) => [
      incidentOf({ opened_at: at(0), closed_at: i === 3 ? at(3) : 0, reopened: i > 4 ? 1 : 0 }),
    ]
    const { changes } = judge({ rules: [rule], minutes: 8, incidents: states })
    expect(changes.map(({ state }) => state)).toEqual(['firing', 'resolved', 'firing'])
    expect(changes[2]?.id).not.toBe(changes[0]?.id)
  })

  it.each([
    ['its network', whoOf({ asns: [64_500] }), {}, 1],
    ['another network', whoOf({ asns: [64_501] }), {}, 0],
    ['a label', whoOf({ labels: ['office'] }), { label: 'office' }, 1],
    [
      'a prefix inside',
      whoOf({ prefixes: ['192.0.0.0/16'] }),
      { scope: 'prefix', prefix: '192.0.2.0/24' },
      1,
    ],
    [
      'a prefix outside',
      whoOf({ prefixes: ['192.1.0.0/16'] }),
      { scope: 'prefix', prefix: '192.0.2.0/24' },
      0,
    ],
    ['a world fault, for any', whoOf({ any: true }), { scope: 'world', kind: 'our_side', asn: 0 }, 1],
    ['a world fault, for one', whoOf({ asns: [64_500] }), { scope: 'world', kind: 'our_side', asn: 0 }, 0],
    ['its site', whoOf({ any: true, sites: ['fra'] }), { dimension: 'only site fra' }, 1],
    ['another site', whoOf({ any: true, sites: ['ams'] }), { dimension: 'only site fra' }, 0],
    ['a volume incident', whoOf({ any: true }), { kind: 'volume' }, 0],
  ] as const)('is about whom it names: %s', (_name, who, given, expected) => {
    const incidents = () => [incidentOf(given as Partial<Incident>)]
    expect(judge({ rules: [{ ...rule, who }], minutes: 2, incidents }).changes).toHaveLength(expected)
  })

  it('tells a shared incident once, to rules about any network and about one of its members', () => {
    const shared = {
      id: 'networks-1',
      scope: 'networks',
      asn: 0,
      members: ['AS64500', 'AS64501 Office', 'Shop'],
    } as const
    const incidents = (i: number) => [
      incidentOf({
        opened_at: at(1),
        ...(i >= 3 ? { state: 'closed', closed_at: at(3), members: ['networks-1'] } : {}),
      }),
      ...(i >= 3
        ? [
            incidentOf({
              ...shared,
              members: [...shared.members],
              opened_at: at(3),
              ...(i >= 8 ? { state: 'closed', closed_at: at(8) } : {}),
            }),
            incidentOf({
              id: 'late',
              asn: 64_501,
              state: 'closed',
              opened_at: at(3),
              closed_at: at(3),
              members: ['networks-1'],
            }),
          ]
        : []),
    ]
    const rules = [
      rule,
      ruleOf({ id: 'office', who: whoOf({ labels: ['Office'] }), what: DIVERGENCE }),
      ruleOf({ id: 'other', who: whoOf({ asns: [64_777] }), what: DIVERGENCE }),
    ]
    const told = judge({ rules, minutes: 12, incidents }).changes.map(
      ({ rule: by, state, scope, minute }) => [by, state, scope, (minute - START) / MINUTE],
    )
    expect(told).toEqual([
      ['rule', 'firing', 'network', 1],
      ['rule', 'firing', 'networks', 3],
      ['office', 'firing', 'networks', 3],
      ['rule', 'resolved', 'network', 8],
      ['rule', 'resolved', 'networks', 8],
      ['office', 'resolved', 'networks', 8],
    ])
  })

  it('resolves its alerts when it is taken away', () => {
    const incidents = () => [incidentOf()]
    const { state } = judge({ rules: [rule], minutes: 2, incidents })
    const after = judge({ rules: [], from: 2, minutes: 2, incidents, state })
    expect(after.changes).toMatchObject([{ state: 'resolved', resolution: 'rule_removed' }])
    expect(firingIn(after.state)).toEqual([])
  })
})

describe('a rule with a threshold', () => {
  const low = ruleOf({
    what: { kind: 'success_rate', below: 0.9, over_s: 60 },
    for_s: 180,
    minimum_handshakes: 50,
  })
  const failing =
    (from: number, to: number, given: Partial<Count> = {}) =>
    (i: number) => [countOf(i >= from && i < to ? { completed: 60, failed: 40, ...given } : given)]

  it('fires after its time and resolves after five good minutes', () => {
    const { changes } = judge({ rules: [low], minutes: 20, counts: failing(2, 8) })
    expect(changes.map(short)).toMatchObject([
      { state: 'firing', started: 2, fired: 5 },
      { state: 'resolved', started: 2, fired: 5, resolved: 13, resolution: 'recovered' },
    ])
  })

  it('does not fire when it is crossed for less than its time, or by too few handshakes', () => {
    expect(judge({ rules: [low], minutes: 12, counts: failing(2, 4) }).changes).toEqual([])
    const few = judge({ rules: [low], minutes: 12, counts: failing(2, 8, { completed: 20, failed: 20 }) })
    expect(few.changes).toEqual([])
  })

  it('takes several minutes together', () => {
    const smooth = { ...low, for_s: 0, what: { ...low.what, over_s: 300 } as const }
    const one = (i: number) => [countOf(i === 6 ? { completed: 60, failed: 40 } : {})]
    expect(judge({ rules: [smooth], minutes: 12, counts: one }).changes).toEqual([])
    const two = (i: number) => [countOf(i === 6 || i === 7 ? { completed: 60, failed: 40 } : {})]
    expect(judge({ rules: [smooth], minutes: 9, counts: two }).changes).toMatchObject([{ fired_at: at(8) }])
  })

  it('lets the clock stand still while nothing at all is stored', () => {
    const gap = (i: number) => (i >= 4 && i < 30 ? [] : failing(2, 40)(i))
    const { changes } = judge({ rules: [low], minutes: 32, counts: gap })
    expect(changes.map(short)).toMatchObject([{ state: 'firing', started: 2, fired: 31 }])
  })

  it('ends an alert of a network that is seen no more for an hour', () => {
    const other = countOf({ asn: 64_501 })
    const counts = (i: number) => (i < 8 ? [...failing(2, 8)(i), other] : [other])
    const { changes } = judge({ rules: [low], minutes: 80, counts })
    expect(changes.map(short)).toMatchObject([
      { state: 'firing', subject: 64_500 },
      { state: 'resolved', subject: 64_500, resolved: 68, resolution: 'too_little_data' },
    ])
  })

  it("knows a cause's share, and counts by site and IP version", () => {
    const what = { kind: 'cause_share', cause: 'mtu_inbound', above: 0.2, over_s: 60 } as const
    const rule = ruleOf({ what, who: whoOf({ asns: [64_500], sites: ['fra'], ip_version: 6 }) })
    const counts = (given: Partial<Count>) => () => [
      countOf({ completed: 70, failed: 30, causes: { mtu_inbound: 25, slow: 5 }, ...given }),
    ]
    expect(judge({ rules: [rule], minutes: 1, counts: counts({ ip_version: 6 }) }).changes).toMatchObject([
      { kind: 'cause_share', value: 0.25, threshold: 0.2 },
    ])
    expect(judge({ rules: [rule], minutes: 1, counts: counts({ ip_version: 4 }) }).changes).toEqual([])
    const elsewhere = counts({ ip_version: 6, site: 'ams' })
    expect(judge({ rules: [rule], minutes: 1, counts: elsewhere }).changes).toEqual([])
  })

  it('takes the prefixes inside the one it names together, and knows whose they are', () => {
    const rule = { ...low, for_s: 0, who: whoOf({ prefixes: ['192.0.2.0/23'] }) }
    const counts = () => [
      countOf({ completed: 300, failed: 40 }),
      countOf({ prefix: '192.0.2.0/24', completed: 25, failed: 5 }),
      countOf({ prefix: '192.0.3.0/24', completed: 25, failed: 5 }),
      countOf({ prefix: '192.0.4.0/24', completed: 250, failed: 30 }),
    ]
    expect(judge({ rules: [rule], minutes: 1, counts }).changes).toMatchObject([
      { scope: 'prefix', prefix: '192.0.2.0/23', asn: 64_500, value: 50 / 60 },
    ])
  })

  it('sees a network fall silent among others, but not when nothing is collected', () => {
    const silent = ruleOf({ what: { kind: 'no_data' }, for_s: 180, who: whoOf({ asns: [64_500] }) })
    const others = countOf({ asn: 64_501 })
    const counts = (i: number) => (i < 2 || i >= 10 ? [countOf(), others] : [others])
    expect(judge({ rules: [silent], minutes: 14, counts }).changes.map(short)).toMatchObject([
      { state: 'firing', started: 2, fired: 5 },
      { state: 'resolved', resolved: 11 },
    ])
    expect(
      judge({ rules: [silent], minutes: 14, counts: (i) => (i < 2 ? [countOf()] : []) }).changes,
    ).toEqual([])
  })

  it('sees that nothing comes from anybody, unless nobody was there to take it', () => {
    const silent = ruleOf({ what: { kind: 'no_data' }, for_s: 180 })
    const counts = (i: number) => (i < 2 ? [countOf()] : [])
    expect(judge({ rules: [silent], minutes: 8, counts }).changes.map(short)).toMatchObject([
      { scope: 'world', started: 2, fired: 5 },
    ])
    expect(judge({ rules: [silent], minutes: 8, counts, observed: false }).changes).toEqual([])
  })

  it('knows volume', () => {
    const rule = ruleOf({ what: { kind: 'volume', below: 50, above: undefined, over_s: 60 } })
    const counts = (i: number) => [countOf({ completed: i < 2 ? 100 : 10 })]
    expect(judge({ rules: [rule], minutes: 4, counts }).changes).toMatchObject([
      { scope: 'world', value: 10, threshold: 50, started_at: at(2) },
    ])
  })

  it('gives one alert when most networks are bad at once, not one for each', () => {
    const networks = (bad: number) => () =>
      Array.from({ length: 20 }, (_, i) =>
        countOf({ asn: 64_500 + i, ...(i < bad && { completed: 60, failed: 40 }) }),
      )
    const shared = judge({ rules: [low], minutes: 10, counts: networks(20) })
    expect(shared.changes.map(short)).toMatchObject([{ scope: 'world', fired: 3 }])
    expect(judge({ rules: [low], minutes: 10, counts: networks(3) }).changes).toHaveLength(3)
  })

  it('gives one alert when ten thousand networks fail at once, and one end', () => {
    const counts = (i: number) =>
      Array.from({ length: 10_000 }, (_, asn) =>
        countOf({ asn: asn + 1, ...(i < 4 && { completed: 60, failed: 40 }) }),
      )
    const { changes } = judge({ rules: [low], minutes: 10, counts })
    expect(changes.map(short)).toMatchObject([
      { state: 'firing', scope: 'world', fired: 3 },
      { state: 'resolved', scope: 'world', resolved: 9 },
    ])
  })

  it('knows how long handshakes take, of networks with enough of them', () => {
    const what = { kind: 'handshake_time', quantile: 'p95', above_ms: 800, over_s: 60 } as const
    const rule = ruleOf({ what, minimum_handshakes: 50 })
    const times = (p95: number) =>
      new Map([
        [
          lensKey(lensOf({ ...rule, what })),
          new Map(['64500 ', '64501 '].map((one) => [one, { p50: 10, p95 }])),
        ],
      ])
    const changes = (p95: number) =>
      evaluateMinute([rule], initialState(), {
        minute: START,
        window: [
          {
            minute: START,
            networks: [countOf(), countOf({ asn: 64_501, completed: 49, failed: 60 })],
            prefixes: [],
            times: times(p95),
          },
        ],
        incidents: [],
        observed: true,
      }).changes
    expect(changes(800.4)).toMatchObject([
      { asn: 64_500, kind: 'handshake_time', value: 800.4, threshold: 800 },
    ])
    expect(changes(800)).toEqual([])
  })

  it('by agent lets the clock stand still where single handshakes are kept no longer', () => {
    const rule = ruleOf({ what: { kind: 'no_data' }, who: whoOf({ any: true, agents: ['fra-1'] }) })
    const others = countOf()
    const single = { networks: [], prefixes: [] }
    const judged = (given: Partial<MinuteCounts>) =>
      evaluateMinute([rule], initialState(), {
        minute: START,
        window: [{ minute: START, networks: [others], prefixes: [], ...given }],
        incidents: [],
        observed: true,
      }).changes
    expect(judged({ single })).toHaveLength(1)
    expect(judged({})).toEqual([])
  })

  it('comes to the same whether judged in one go or stopped and started after every minute', () => {
    const counts = failing(2, 8)
    const whole = judge({ rules: [low], minutes: 20, counts })
    let state = initialState()
    const changes: Alert[] = []
    for (let i = 0; i < 20; i += 1) {
      const step = judge({ rules: [low], from: i, minutes: 1, counts, state })
      state = step.state
      changes.push(...step.changes)
    }
    expect(changes).toEqual(whole.changes)
  })
})
