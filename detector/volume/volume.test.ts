import { describe, expect, it } from 'vitest'
import type { MinuteCount } from '../count.ts'
import { createDetector } from '../detector.ts'
import type { Incident } from '../incident.ts'
import { createRandom, START } from '../testing/traffic.ts'

const DAY = 24 * 60
const LEARNED = 8 * DAY
const SITES = ['fra', 'nyc'] as const

/** Clients a minute that network `index` has at a site in minute t, of those it would usually have. */
type Share = (index: number, site: string, t: number) => number

const NETWORKS = 24
const usualOf = (index: number) => 2 + ((index * 7) % 30)

/**
 * A fleet at two sites with a rhythm of the day, days that differ by a tenth, weekends with three fifths, and minutes
 * that spread as Poisson's do, some bursty. Returns the volume incidents of the days after the learning.
 */
function run(days: number, share: Share, closed?: { at: number; asn: number }, seed = 1): Incident[] {
  const random = createRandom(seed)
  const detector = createDetector()
  const found = new Map<string, Incident>()
  const dayFactor = Array.from({ length: NETWORKS * 40 }, () => 1 + 0.1 * normal(random))
  for (let t = 0; t < LEARNED + days * DAY; t++) {
    const minute = START + t * 60
    const day = Math.floor(t / DAY)
    const rhythm = (1 + 0.6 * Math.sin((2 * Math.PI * (t % DAY)) / DAY)) * (day % 7 >= 5 ? 0.6 : 1)
    const counts: MinuteCount[] = []
    for (let index = 0; index < NETWORKS; index++) {
      for (const [s, site] of SITES.entries()) {
        const level =
          usualOf(index) * (s === 0 ? 0.7 : 0.3) * rhythm * (dayFactor[day * NETWORKS + index] ?? 1)
        const burst = index % 3 === 0 ? 0.4 + 1.2 * random() : 1
        const clients = poisson(level * burst * share(index, site, t - LEARNED), random)
        if (clients === 0) continue
        counts.push({
          ...{ minute, asn: 64_500 + index, label: '', prefix: '', site, ip_version: 4 },
          ...{
            completed: clients,
            failed: 0,
            clients,
            failed_clients: 0,
            worst_client: '',
            worst_client_failed: 0,
          },
        })
      }
    }
    const { incidents } = detector.judgeMinute(minute, counts)
    for (const incident of incidents) found.set(incident.id, incident)
    if (closed !== undefined && t - LEARNED === closed.at) {
      const [open] = detector.openIncidents().filter(({ asn }) => asn === closed.asn)
      if (open === undefined) throw new Error('nothing is open')
      for (const incident of detector.closeByHand({ ...open, incident: open.id }, minute + 60))
        found.set(incident.id, incident)
    }
  }
  return [...found.values()]
}

const minutesAfter = (seconds: number) => (seconds - START) / 60 - LEARNED
/** A network with thirty clients a minute, and one with four. */
const LARGE = 4
const SMALL = 13

describe('fewer clients than usual', () => {
  it('is said of nobody while nothing happens, weekends included', () => {
    expect(run(7, () => 1)).toEqual([])
  })

  it.each([
    ['large', LARGE, 8, 20],
    ['small', SMALL, 40, 45],
  ])(
    'is said soon of a %s network that vanishes, and is over when it comes back',
    (_, network, soon, late) => {
      const from = 10 * 60
      const share: Share = (index, _site, t) => (index === network && t >= from && t < from + 180 ? 0 : 1)
      const [incident, ...more] = run(1, share)
      expect(more).toEqual([])
      expect(incident).toMatchObject({
        kind: 'volume',
        scope: 'network',
        asn: 64_500 + network,
        state: 'closed',
      })
      const { onset, opened_at, closed_at, failure_rate, explanation } = incident as Incident
      expect(Math.abs(minutesAfter(onset) - from)).toBeLessThanOrEqual(5)
      expect(minutesAfter(opened_at) - from).toBeLessThanOrEqual(soon)
      expect(minutesAfter(closed_at) - from - 180).toBeLessThanOrEqual(late)
      expect(failure_rate).toBeGreaterThan(0.8)
      expect(explanation).toMatch(
        /fewer clients than usual since .* instead of about \d+; the others come as usual; over since/,
      )
    },
  )

  it('ends by hand, and is said anew when it goes on', () => {
    const share: Share = (index, _site, t) => (index === LARGE && t > 600 ? 0 : 1)
    const found = run(1, share, { at: 700, asn: 64_500 + LARGE })
    expect(found.map(({ state }) => state)).toEqual(['closed', 'open'])
    expect(found[0]?.explanation).toMatch(/closed by hand/)
    expect(minutesAfter(found[1]?.onset ?? 0)).toBeGreaterThan(700)
  })

  it('is not said where all come less together: a holiday, a site whose agent is down, a site that moved', () => {
    expect(run(1, () => 0.2)).toEqual([])
    expect(run(1, (_index, site, t) => (site === 'fra' && t > 300 ? 0 : 1))).toEqual([])
    const moved: Share = (_index, site, t) => (t < 300 ? 1 : site === 'fra' ? 0 : 3.3)
    expect(run(1, moved)).toEqual([])
  })

  it('is said of the one that vanishes while all others come less', () => {
    const share: Share = (index, _site, t) => (index === LARGE && t > 600 ? 0 : 0.6)
    expect(run(1, share).map(({ asn }) => asn)).toEqual([64_500 + LARGE])
  })

  it('is not said of a third less, nor of a network that nobody knows yet', () => {
    expect(run(1, (index, _site, t) => (index === LARGE && t > 600 ? 0.67 : 1))).toEqual([])
    const fresh: Share = (index, _site, t) => (index === LARGE ? (t > -DAY && t < 600 ? 1 : 0) : 1)
    expect(run(1, fresh)).toEqual([])
  })
})

function poisson(mean: number, random: () => number): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count++
  return count
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
