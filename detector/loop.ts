import type { Registry } from 'prom-client'
import { createClosings } from './closings.ts'
import { MINUTE, type MinuteCount } from './count.ts'
import { createDetector, type Suspect } from './detector.ts'
import type { Description, Incident } from './incident.ts'
import { createLoopMetrics } from './loop-metrics.ts'
import type { DetectorOptions } from './options.ts'
import type { OrderTable } from './order-table.ts'
import { createOutbox } from './outbox.ts'
import type { StreamState } from './state.ts'

/** The log as far as the loop writes it; pino-shaped. */
type Log = Record<'debug' | 'info' | 'warn' | 'error', (facts: object, message: string) => void>

export type DetectorLoopNeeds = {
  /** Counts of the minutes in [from, to), seconds since 1970. */
  read: (from: number, to: number) => Promise<MinuteCount[]>
  /** Stores the given states of incidents: of one id the highest version counts. */
  write: (incidents: Incident[]) => Promise<void>
  /** Adds what the store knows beyond the counts. */
  describe?: (incident: Incident) => Promise<Description>
  /** Last stored state of each incident that is open or younger than the history: what need not be written again. */
  stored?: () => Promise<Incident[]>
  /** What people decided by hand: read with the minutes, applied before the minute from which it holds. */
  orders?: OrderTable
  /** Milliseconds since 1970. */
  clock: () => number
  log: Log
  registry?: Registry
  /** Share of the history replayed, from 0 to 1. */
  onProgress?: (share: number) => void
  /** Told when judging itself fails, which no retry mends: the process is to end. */
  onDeath?: (error: unknown) => void
  options?: Partial<DetectorLoopOptions>
}

export type DetectorLoopOptions = {
  /** A minute is judged so long after its end; what arrives later corrects the record, not the verdict. */
  watermark_ms: number
  /** Stored history that is replayed at the start. */
  history_ms: number
  interval_ms: number
  detector: Partial<DetectorOptions>
}

const DEFAULTS: DetectorLoopOptions = {
  watermark_ms: 60_000,
  history_ms: 14 * 24 * 3_600_000,
  interval_ms: 5_000,
  detector: {},
}

export type Snapshot = {
  /** Start of the minute judged last, seconds since 1970; 0 before the first. */
  judged_minute: number
  incidents: Incident[]
  suspects: Suspect[]
  state(stream: { asn: number; label: string; prefix: string }): StreamState | undefined
}

export type DetectorLoop = {
  readonly name: 'detector'
  /** Replays the stored history, writes what it found, then judges every minute once its watermark has passed. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Judges every minute that is due, in order, each once, and writes what changed. Also what the timer does. */
  judgeDue(): Promise<void>
  snapshot(): Snapshot
}

/** Rows read at a time, about: bounds the memory of a replay. */
const ROWS_AT_A_TIME = 50_000
const LONGEST_CHUNK = 360

/** Feeds the detector from the store. All that is remembered is in the stored minutes: a restart replays them. */
export function createDetectorLoop(needs: DetectorLoopNeeds): DetectorLoop {
  const { read, clock, log, registry, onProgress = () => undefined, onDeath } = needs
  const options = { ...DEFAULTS, ...needs.options }
  const detector = createDetector(options.detector)
  const outbox = createOutbox(needs)
  const closings = createClosings(needs.orders, log)
  const metrics = createLoopMetrics(registry)
  let next = 0
  let chunk = 10
  let suspects: Suspect[] = []
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let busy: Promise<void> = Promise.resolve()

  async function start(): Promise<void> {
    stopped = false
    const begin = floorToMinute(clock() - options.history_ms)
    next = begin
    await outbox.load()
    log.info({ from: new Date(begin * 1000).toISOString() }, 'replaying the stored minutes')
    const progress = () => onProgress(share(begin, next, dueMinute()))
    await advance(progress)
    await takeOrders()
    if (next > dueMinute()) outbox.settle(detector.openIncidents(), next)
    await outbox.flush(next)
    report()
    log.info({ ...detector.size(), open: detector.openIncidents().length }, 'replay done')
    schedule()
  }

  async function advance(progress: () => void): Promise<void> {
    while (!stopped && next <= dueMinute()) {
      const to = Math.min(next + chunk * MINUTE, dueMinute() + MINUTE)
      const counts = await readOrNothing(next, to)
      if (counts === undefined) return
      await judgeChunk(byMinute(counts), to)
      chunk = nextChunk(chunk, counts.length)
      progress()
    }
  }

  /** A store that is briefly away must not keep the pipeline from starting: the timer reads what is left. */
  async function readOrNothing(from: number, to: number): Promise<MinuteCount[] | undefined> {
    try {
      await closings.load(from)
      return await read(from, to)
    } catch (error) {
      log.error({ error: String(error) }, 'minutes could not be read; trying again')
      return undefined
    }
  }

  async function judgeChunk(counts: Map<number, MinuteCount[]>, to: number): Promise<void> {
    for (; next < to && !stopped; next += MINUTE) {
      const began = performance.now()
      closeByHand()
      const judged = detector.judgeMinute(next, counts.get(next) ?? [])
      suspects = judged.suspects
      outbox.put(judged.incidents)
      metrics.judged(next, performance.now() - began)
      await breathe()
    }
  }

  /** Before the minute `next` is judged, now as in every replay. */
  function closeByHand(): void {
    for (const closing of closings.due(next)) {
      outbox.put(detector.closeByHand(closing, closing.minute), { byHand: true })
    }
  }

  async function takeOrders(): Promise<void> {
    if (stopped) return
    await closings.take(next)
    closeByHand()
  }

  async function judgeDueOnce(): Promise<void> {
    await advance(() => undefined)
    await takeOrders()
    await outbox.flush(next)
    report()
  }

  function report(): void {
    metrics.state(detector.size(), detector.openIncidents().length, suspects.length)
  }

  function judgeDue(): Promise<void> {
    busy = busy.then(judgeDueOnce)
    return busy
  }

  function schedule(): void {
    if (stopped) return
    timer = setTimeout(() => void judgeDue().then(schedule, onDeath), options.interval_ms)
  }

  async function stop(): Promise<void> {
    stopped = true
    clearTimeout(timer)
    await busy
  }

  /** The last minute whose watermark has passed. */
  function dueMinute(): number {
    return floorToMinute(clock() - options.watermark_ms) - MINUTE
  }

  return {
    name: 'detector',
    start,
    stop,
    judgeDue,
    snapshot: () => ({
      judged_minute: next === 0 ? 0 : next - MINUTE,
      incidents: detector.openIncidents(),
      suspects,
      state: (stream) => detector.state(stream),
    }),
  }
}

function floorToMinute(milliseconds: number): number {
  return Math.floor(milliseconds / 60_000) * MINUTE
}

function byMinute(counts: readonly MinuteCount[]): Map<number, MinuteCount[]> {
  const minutes = new Map<number, MinuteCount[]>()
  for (const count of counts) {
    const minute = minutes.get(count.minute)
    if (minute === undefined) minutes.set(count.minute, [count])
    else minute.push(count)
  }
  return minutes
}

/** As many minutes as hold about the rows wanted, at most twice as many as before. */
function nextChunk(minutes: number, rows: number): number {
  const wanted = rows === 0 ? LONGEST_CHUNK : Math.floor((minutes * ROWS_AT_A_TIME) / rows)
  return Math.max(1, Math.min(wanted, minutes * 2, LONGEST_CHUNK))
}

function share(begin: number, next: number, due: number): number {
  return due <= begin ? 1 : Math.min(1, (next - begin) / (due - begin))
}

/** Lets the rest of the process run between two minutes of a long replay. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
