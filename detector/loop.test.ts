import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { MinuteCount } from './count.ts'
import type { Incident } from './incident.ts'
import { createDetectorLoop, type DetectorLoopNeeds } from './loop.ts'
import { createTraffic, START, type Traffic } from './testing/traffic.ts'

const HISTORY = 6 * 60
const ONSET = HISTORY - 12
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const NETWORKS: Traffic[] = [
  ...Array.from({ length: 10 }, (_, i) => ({ asn: 65000 + i, clients: 5, rate: () => 0.006 })),
  { asn: 64500, clients: 8, rate: (t) => (t >= ONSET && t < HISTORY + 30 ? 0.9 : 0.006) },
]

/** A store of six hours and more, with a clock that stands `minutes` after its start. */
function world(minutes: number, given: Partial<DetectorLoopNeeds> = {}) {
  const source = createTraffic(1, NETWORKS)
  const counts = Array.from({ length: HISTORY + 120 }, (_, t) => source(t)).flat()
  const written: Incident[][] = []
  const state = { now: (START + minutes * 60) * 1000, reads: [] as [number, number][] }
  const read = async (from: number, to: number): Promise<MinuteCount[]> => {
    state.reads.push([from, to])
    return counts.filter(({ minute }) => minute >= from && minute < to && minute * 1000 < state.now)
  }
  const loop = createDetectorLoop({
    read,
    write: async (incidents) => void written.push(incidents),
    clock: () => state.now,
    log: quiet,
    options: { interval_ms: 3_600_000, history_ms: 24 * 3_600_000 },
    ...given,
  })
  const passes = async (more: number) => {
    state.now += more * 60_000
    await loop.judgeDue()
  }
  return { loop, state, written, passes }
}

describe('the detector loop', () => {
  it('has the incident open and written right after the replay', async () => {
    const { loop, written } = world(HISTORY + 1)
    await loop.start()
    await loop.stop()
    expect(loop.snapshot().incidents.map(({ asn }) => asn)).toEqual([64500])
    expect(written.flat().map(({ asn, state }) => `${asn} ${state}`)).toEqual(['64500 open'])
  })

  it('judges every minute once, in order, and none before its watermark', async () => {
    const { loop, state, passes } = world(HISTORY + 1)
    await loop.start()
    expect(loop.snapshot().judged_minute).toBe(START + (HISTORY - 1) * 60)
    await passes(0.5)
    expect(loop.snapshot().judged_minute).toBe(START + (HISTORY - 1) * 60)
    await passes(0.5)
    await passes(3)
    await loop.stop()
    expect(loop.snapshot().judged_minute).toBe(START + (HISTORY + 3) * 60)
    const gaps = state.reads.slice(1).map(([from], i) => from - (state.reads[i]?.[1] ?? 0))
    expect(gaps.every((gap) => gap === 0)).toBe(true)
  })

  it('reaches the same incidents, bit for bit, after a restart as without one', async () => {
    const whole = world(HISTORY + 1)
    await whole.loop.start()
    for (let minute = 0; minute < 60; minute++) await whole.passes(1)
    await whole.loop.stop()
    const again = world(HISTORY + 61, {
      options: { interval_ms: 3_600_000, history_ms: 24 * 3_600_000 + 3_600_000 },
    })
    await again.loop.start()
    await again.loop.stop()
    expect(again.written.flat()).toEqual([whole.written.flat().at(-1)])
    expect(again.written.flat()[0]).toMatchObject({ state: 'closed', asn: 64500 })
  })

  it('does not write again what the store has, and closes what the store alone has as open', async () => {
    const first = world(HISTORY + 1)
    await first.loop.start()
    await first.loop.stop()
    const known = first.written.flat()
    const orphan = { ...(known[0] as Incident), id: 'orphan', asn: 64999 }
    const again = world(HISTORY + 1, { stored: async () => [...known, orphan] })
    await again.loop.start()
    await again.loop.stop()
    expect(again.written.flat().map(({ id, state }) => ({ id, state }))).toEqual([
      { id: 'orphan', state: 'closed' },
    ])
  })

  it('goes on where it was when reading or writing fails for a while', async () => {
    let away = true
    const written: Incident[] = []
    const { loop, passes } = world(HISTORY + 1, {
      write: async (incidents) => {
        if (away) throw new Error('the store is away')
        written.push(...incidents)
      },
    })
    await loop.start()
    expect(written).toEqual([])
    away = false
    await passes(0)
    await loop.stop()
    expect(written.map(({ asn }) => asn)).toEqual([64500])
  })

  it('writes incidents with the cause and the sentence of their description', async () => {
    const describe = async () => ({
      network: 'Example Net',
      cause: 'mtu_inbound',
      cause_share: 0.92,
      dimension: '',
    })
    const { loop, written } = world(HISTORY + 1, { describe })
    await loop.start()
    await loop.stop()
    const [incident] = written.flat()
    expect(incident?.cause).toBe('mtu_inbound')
    expect(incident?.explanation).toMatch(
      /^AS64500 Example Net: \d+ % of clients' handshakes fail since \d\d:\d\d, at most .* % was to be expected; \d+ distinct clients; the rest of the world is normal; 92 % of the excess is mtu_inbound$/,
    )
  })

  it('still writes the incident when it cannot be described', async () => {
    const describe = async () => Promise.reject(new Error('no'))
    const { loop, written } = world(HISTORY + 1, { describe })
    await loop.start()
    await loop.stop()
    expect(written.flat()[0]).toMatchObject({ asn: 64500, cause: '' })
  })

  it('stops in the middle of a replay', async () => {
    const { loop } = world(HISTORY + 1, { onProgress: () => void loop.stop() })
    await loop.start()
    expect(loop.snapshot().judged_minute).toBeLessThan(START)
  })

  it('says how far a replay is and counts the minutes', async () => {
    const registry = new Registry()
    const shares: number[] = []
    const { loop } = world(HISTORY + 1, { registry, onProgress: (share) => void shares.push(share) })
    await loop.start()
    await loop.stop()
    expect(shares.at(-1)).toBe(1)
    expect(await registry.metrics()).toContain('halfshake_detector_minutes_judged_total 1439')
  })
})
