import { describe, expect, it } from 'vitest'
import type { Alert } from './alert.ts'
import { type Acknowledgement, createMuting } from './muting.ts'
import type { Told } from './notification.ts'
import { type Planned, placeOf, planNotifications } from './plan.ts'
import type { Silence } from './silence.ts'
import { alertOf, DIVERGENCE, ruleOf, START, silenceOf } from './testing/builders.ts'

/** From the start of a minute until it is evaluated. */
const DELAY_MS = 130_000
const rule = ruleOf({ what: DIVERGENCE, repeat_s: 3_600 })
const at = (minute: number) => START + minute * 60
/** When a minute is evaluated. */
const known = (minute: number) => at(minute) * 1_000 + DELAY_MS

type Life = Partial<Alert> & { from: number; to?: number }
type Play = {
  minutes: number
  lives: readonly Life[]
  silences?: readonly Silence[]
  acknowledgements?: Record<string, Pick<Acknowledgement, 'until'> & { from: number }>
  groupsItself?: boolean
  /** Minutes in which nobody evaluates. */
  away?: (minute: number) => boolean
}

/** Minute after minute, as the evaluator does it; what was planned was told. */
function play({ minutes, lives, silences = [], groupsItself = false, ...more }: Play) {
  const told = new Map<string, Told>()
  const messages: { minute: number; says: string; repeated: boolean; told: string[] }[] = []
  const held: number[] = []
  for (let minute = 0; minute < minutes; minute += 1) {
    if (more.away?.(minute)) continue
    const now = known(minute)
    const given = Object.entries(more.acknowledgements ?? {}).filter(([, { from }]) => from <= minute)
    const muting = createMuting({ silences, acknowledgements: new Map(given), now, delayMs: DELAY_MS })
    const alerts = lives.filter(({ from }) => from <= minute).map((life) => aliveAt(life, minute))
    const plan = planNotifications({
      alerts: alerts.filter(({ state, minute: changed }) => state === 'firing' || changed > at(minute) - 900),
      told: [...told.values()],
      rules: [rule],
      receivers: [{ name: 'ops', groupsItself }],
      muting,
      minute: at(minute),
      now,
    })
    held.push(plan.heldBack.get('ops') ?? 0)
    for (const planned of plan.planned) {
      told.set(placeOf(planned.receiver, planned.group_key), { ...planned, state: 'delivered' })
      const { repeated, alerts: ids } = planned
      messages.push({ minute, says: spoken(planned), repeated, told: ids })
    }
  }
  return { messages: messages.map(({ minute, says }) => [minute, says]), all: messages, held }
}

function aliveAt({ from, to, ...given }: Life, minute: number): Alert {
  const over = to !== undefined && to <= minute
  return alertOf({
    fired_at: at(from),
    minute: at(over ? to : from),
    ...(over && { state: 'resolved', resolved_at: at(to), resolution: 'recovered' }),
    ...given,
  })
}

function spoken({ status, members }: Planned): string {
  return [status, ...members.map(({ id, state }) => (state === 'firing' ? id : `${id} over`))].join(' ')
}

const silence = (from: number, to: number, given: Partial<Silence> = {}) =>
  silenceOf({ starts_at: known(from) - 1_000, ends_at: known(to) - 1_000, ...given })
const inPrefix = (id: string, i: number) => ({ id, scope: 'prefix', prefix: `192.0.${i}.0/24` }) as const

describe('a silence', () => {
  it('holds back what began and ended under it, for ever, also where nobody looked meanwhile', () => {
    const lives = [{ from: 3, to: 8 }]
    expect(play({ minutes: 30, lives }).messages).toEqual([
      [3, 'firing a'],
      [8, 'resolved a over'],
    ])
    const silences = [silence(3, 9)]
    expect(play({ minutes: 30, lives, silences }).messages).toEqual([])
    const away = (minute: number) => minute > 1 && minute < 12
    expect(play({ minutes: 30, lives, silences, away }).messages).toEqual([])
  })

  it('tells what still fires when it ends', () => {
    const { messages } = play({ minutes: 30, lives: [{ from: 3, to: 20 }], silences: [silence(0, 9)] })
    expect(messages).toEqual([
      [9, 'firing a'],
      [20, 'resolved a over'],
    ])
  })

  it('tells the end of what was told, while it lasts', () => {
    const { messages } = play({ minutes: 30, lives: [{ from: 3, to: 8 }], silences: [silence(4, 20)] })
    expect(messages).toEqual([
      [3, 'firing a'],
      [8, 'resolved a over'],
    ])
  })

  it('that left a gap tells what fired and ended in it while nobody looked', () => {
    const lives = [{ from: 3, to: 15 }]
    const away = (minute: number) => minute > 4 && minute < 17
    const gap = [silence(0, 8), silence(10, 16)]
    expect(play({ minutes: 30, lives, silences: gap, away }).messages).toEqual([[17, 'resolved a over']])
    const none = [silence(0, 10), silence(9, 16)]
    expect(play({ minutes: 30, lives, silences: none, away }).messages).toEqual([])
  })

  it('holds back repeats, and what was held is repeated after it', () => {
    const lives = [{ from: 3 }]
    const repeats = (silences: Silence[]) =>
      play({ minutes: 200, lives, silences }).all.map(({ minute, repeated }) => [minute, repeated])
    expect(repeats([])).toEqual([
      [3, false],
      [63, true],
      [123, true],
      [183, true],
    ])
    expect(repeats([silence(10, 100)])).toEqual([
      [3, false],
      [100, true],
      [160, true],
    ])
  })

  it('on one prefix leaves the others of its message', () => {
    const lives = [
      { from: 3, to: 20, ...inPrefix('a', 0) },
      { from: 3, to: 21, ...inPrefix('b', 1) },
    ]
    const silences = [silence(0, 40, { prefixes: ['192.0.0.0/24'] })]
    expect(play({ minutes: 60, lives, silences }).messages).toEqual([
      [3, 'firing b'],
      [21, 'resolved b over'],
    ])
  })

  it('ends the message of what was told though another of its group fires under it', () => {
    const lives = [
      { from: 3, to: 9, ...inPrefix('a', 0) },
      { from: 3, ...inPrefix('b', 1) },
    ]
    const silences = [silence(0, 30, { prefixes: ['192.0.1.0/24'] })]
    expect(play({ minutes: 40, lives, silences }).messages).toEqual([
      [3, 'firing a'],
      [9, 'resolved a over'],
      [30, 'firing b'],
    ])
  })

  it('on what was told is no reason to name it in messages about others, and its end is still told', () => {
    const lives = [
      { from: 3, to: 20, ...inPrefix('a', 0) },
      { from: 10, to: 22, ...inPrefix('b', 1) },
    ]
    const silences = [silence(5, 60, { prefixes: ['192.0.0.0/24'] })]
    const { messages, all } = play({ minutes: 60, lives, silences })
    expect(messages).toEqual([
      [3, 'firing a'],
      [10, 'firing b'],
      [20, 'firing b a over'],
      [22, 'resolved b over'],
    ])
    expect(all[1]?.told).toEqual(['a', 'b'])
  })

  it('on a whole group that was told says nothing until all of it is over', () => {
    const lives = [
      { from: 3, to: 10, ...inPrefix('a', 0) },
      { from: 3, to: 40, ...inPrefix('b', 1) },
    ]
    // As the evaluator does, what a receiver takes for firing is known however long ago it ended.
    const { messages } = play({ minutes: 24, lives, silences: [silence(5, 80)] })
    expect(messages).toEqual([[3, 'firing a b']])
    const short = play({
      minutes: 24,
      lives: lives.map((life) => ({ ...life, to: 20 })),
      silences: [silence(5, 80)],
    })
    expect(short.messages).toEqual([
      [3, 'firing a b'],
      [20, 'resolved a over b over'],
    ])
  })

  it('counts what it holds back', () => {
    const { held } = play({ minutes: 12, lives: [{ from: 3, to: 8 }], silences: [silence(0, 10)] })
    expect(held).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0])
  })
})

describe('a silence, to a receiver that groups itself', () => {
  it('leaves in its messages what it was told, adds nothing new, and tells each end at once', () => {
    const lives = [
      { from: 3, to: 20, ...inPrefix('a', 0) },
      { from: 10, ...inPrefix('b', 1) },
      { from: 12, ...inPrefix('c', 2) },
    ]
    const silences = [silence(5, 60, { prefixes: ['192.0.0.0/23'] })]
    expect(play({ minutes: 40, lives, silences, groupsItself: true }).messages).toEqual([
      [3, 'firing a'],
      [12, 'firing a c'],
      [20, 'firing c a over'],
    ])
  })
})

describe('what a silence is about', () => {
  it.each([
    [{}, true],
    [{ rules: ['rule'], severities: ['warning'], asns: [64_500] }, true],
    [{ rules: ['other', 'rule'] }, true],
    [{ rules: ['rule'], severities: ['critical'] }, false],
    [{ asns: [64_501] }, false],
    [{ labels: ['office'] }, true],
    [{ labels: ['Office'] }, false],
    [{ prefixes: ['192.0.0.0/20'] }, true],
    [{ prefixes: ['192.0.2.0/25'] }, false],
    [{ prefixes: ['2001:db8::/32', '192.0.2.0/24'] }, true],
    [{ sites: ['fra'] }, true],
    [{ sites: ['ams'] }, false],
  ] as [Partial<Silence>, boolean][])('%j: %s', (matchers, expected) => {
    const about = alertOf({ ...inPrefix('a', 2), label: 'office', site: 'fra' })
    const silences = [silence(0, 9, matchers)]
    const muting = createMuting({ silences, acknowledgements: new Map(), now: known(1), delayMs: 0 })
    expect(muting.silencedBy(about)).toEqual(expected ? ['silence'] : [])
  })

  it('is in force from its start to its end, within its weekly window, and not after it was ended', () => {
    const by = (given: Partial<Silence>, now: number) =>
      createMuting({
        silences: [silence(0, 99, given)],
        acknowledgements: new Map(),
        now,
        delayMs: 0,
      }).silencedBy(alertOf({})).length
    expect([by({}, known(0) - 1_001), by({}, known(0) - 1_000)]).toEqual([0, 1])
    expect([by({}, known(99) - 1_001), by({}, known(99) - 1_000)]).toEqual([1, 0])
    expect([by({ ended_at: known(5) }, known(5) - 1), by({ ended_at: known(5) }, known(5))]).toEqual([1, 0])
    const time = (ms: number) => new Date(ms).toISOString().slice(11, 16)
    const day = new Date(known(5))
      .toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' })
      .toLowerCase()
    const weekly = {
      days: [day],
      from: time(known(5)),
      to: time(known(9)),
      time_zone: 'UTC',
    } as Silence['weekly']
    expect([4, 6, 9].map((minute) => by({ weekly }, known(minute)))).toEqual([0, 1, 0])
  })
})

describe('an acknowledgement', () => {
  const lives = [{ from: 3, to: 150 }]

  it('stops repeats, and not the end', () => {
    const { messages, held } = play({ minutes: 160, lives, acknowledgements: { a: { from: 10, until: 0 } } })
    expect(messages).toEqual([
      [3, 'firing a'],
      [150, 'resolved a over'],
    ])
    expect([held[62], held[63]]).toEqual([0, 1])
  })

  it('of the incident counts, and one with an end lasts until then', () => {
    const of = (id: string, until: number) =>
      play({ minutes: 140, lives, acknowledgements: { [id]: { from: 10, until } } }).messages.map(
        ([minute]) => minute,
      )
    expect(of('incident-1', 0)).toEqual([3])
    expect(of('incident-2', 0)).toEqual([3, 63, 123])
    expect(of('a', known(100))).toEqual([3, 100])
  })

  it('is none of a new alert, whose message names both; what is repeated is the new one alone', () => {
    const two = [
      { from: 3, ...inPrefix('a', 0) },
      { from: 30, ...inPrefix('b', 1), incident: 'incident-2' },
    ]
    const { all } = play({ minutes: 100, lives: two, acknowledgements: { a: { from: 10, until: 0 } } })
    expect(all.map(({ minute, says, told }) => [minute, says, told])).toEqual([
      [3, 'firing a', ['a']],
      [30, 'firing a b', ['a', 'b']],
      [90, 'firing b', ['a', 'b']],
    ])
  })
})
