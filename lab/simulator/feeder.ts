import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type DecidingEvent, serializeEvents } from '../../core/event/index.ts'
import { FeedError } from './feed-error.ts'

/** What the ingest answered, added up. */
export type FeedTotals = {
  batches: number
  accepted: number
  rejected: number
  duplicate: number
  retries: number
}

/** Sends events as agents do: in order, one batch under way per agent, each repeated until it is answered 202. */
export type Feeder = {
  readonly totals: Readonly<FeedTotals>
  /**
   * Resolves when the events are durable. One call per agent at a time.
   * @throws FeedError when the ingest refuses for good; the abort reason when the signal aborts.
   */
  send(agent: string, events: readonly DecidingEvent[]): Promise<void>
}

type Answer = { accepted: number; rejected: number; duplicate: boolean }

const BATCH_EVENTS = 2000
/** Compression is to save the ingest's time, not the loopback's bytes. */
const GZIP_LEVEL = 1
const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 5000
const REQUEST_TIMEOUT_MS = 30_000
const compress = promisify(gzip)

export function createFeeder({
  url,
  token,
  epoch,
  signal,
  fetch = globalThis.fetch,
  sleep = abortableSleep,
}: {
  /** The ingest, without `/v1/events`. */
  url: string
  /** Token with the scope `ingest`; none for an ingest on loopback that asks for none. */
  token?: string | undefined
  /** When these agents started, ms since 1970: another at each start. */
  epoch: number
  signal?: AbortSignal | undefined
  fetch?: typeof globalThis.fetch
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}): Feeder {
  const totals: FeedTotals = { batches: 0, accepted: 0, rejected: 0, duplicate: 0, retries: 0 }
  const sequences = new Map<string, number>()
  const target = `${url.replace(/\/+$/, '')}/v1/events`

  async function sendBatch(agent: string, events: readonly DecidingEvent[]): Promise<void> {
    const sequence = (sequences.get(agent) ?? 0) + 1
    sequences.set(agent, sequence)
    const headers = {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      'halfshake-agent': agent,
      'halfshake-epoch': String(epoch),
      'halfshake-sequence': String(sequence),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const body = await compress(serializeEvents(events), { level: GZIP_LEVEL })
    const answer = await post({ headers, body })
    totals.batches += 1
    // A repeat that had already arrived tells so; its events were taken the first time.
    if (answer.duplicate) totals.duplicate += 1
    totals.accepted += answer.duplicate ? events.length : answer.accepted
    totals.rejected += answer.duplicate ? 0 : answer.rejected
  }

  async function post(request: { headers: Record<string, string>; body: Buffer }): Promise<Answer> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      signal?.throwIfAborted()
      const response = await attempt(request)
      if (response?.status === 202) return (await response.json()) as Answer
      if (response !== undefined && !isPassing(response.status)) throw await FeedError.from(target, response)
      await response?.body?.cancel()
      totals.retries += 1
      await sleep(retryAfterMs(response) ?? wait, signal)
    }
  }

  /** The response, or undefined when there was none: nobody listens yet, or the connection broke. */
  async function attempt(request: { headers: Record<string, string>; body: Buffer }) {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    try {
      const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
      return await fetch(target, { method: 'POST', ...request, signal: either })
    } catch {
      signal?.throwIfAborted()
      return undefined
    }
  }

  return {
    totals,
    async send(agent, events) {
      for (let at = 0; at < events.length; at += BATCH_EVENTS) {
        await sendBatch(agent, events.slice(at, at + BATCH_EVENTS))
      }
    },
  }
}

/** Whether the ingest, or a proxy before it, may take the same batch later. */
function isPassing(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

function retryAfterMs(response: Response | undefined): number | undefined {
  const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN)
  return seconds >= 0 ? seconds * 1000 : undefined
}

export function abortableSleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
