import { type DecidingEvent, serializeEvents } from '../../core/event/index.ts'

/** Agents for tests of what must hold whatever is killed. */

export type Progress = {
  /** Batches answered with 202. */
  batches: number
  /** Sendings that nobody answered. */
  repeats: number
}

/** One agent: a batch at a time, the same batch again until it is answered with 202. Returns what it was told was accepted. */
export async function sendAll({
  agent,
  batches,
  events,
  urlOf,
  progress,
  mayGo = async () => undefined,
}: {
  agent: number
  batches: number
  events: number
  /** Where to send this time: asked anew for each sending. */
  urlOf: () => string
  progress: Progress
  /** Waited for before each batch. */
  mayGo?: () => Promise<void>
}): Promise<number> {
  let accepted = 0
  for (let sequence = 1; sequence <= batches; sequence += 1) {
    await mayGo()
    const body = serializeEvents(eventsOf(agent, sequence, events))
    const headers = {
      'content-type': 'application/x-ndjson',
      'halfshake-agent': `edge-${agent}`,
      'halfshake-epoch': String(1_000 + agent),
      'halfshake-sequence': String(sequence),
    }
    const send = () => fetch(`${urlOf()}/v1/events`, { method: 'POST', body, headers })
    accepted += await untilAccepted(send, progress)
    progress.batches += 1
  }
  return accepted
}

async function untilAccepted(send: () => Promise<Response>, progress: Progress): Promise<number> {
  for (;;) {
    try {
      const answer = await send()
      const body = (await answer.json()) as { accepted: number; rejected: number }
      if (answer.status === 202) return body.accepted
      if (answer.status !== 503) throw new Error(`answered ${answer.status}: ${JSON.stringify(body)}`)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      progress.repeats += 1
    }
    await pause(30)
  }
}

function eventsOf(agent: number, sequence: number, count: number): DecidingEvent[] {
  const now = Date.now()
  return Array.from({ length: count }, (_, i): DecidingEvent => {
    const about = {
      v: 1,
      id: `${agent}-${sequence}-${i}`,
      opened_at: now - 60_000 * (i % 5) - 80,
      decided_at: now - 60_000 * (i % 5),
      source_address: `203.0.${agent}.${i % 256}`,
      source_port: 10_000 + i,
      destination_address: '198.51.100.1',
      destination_port: 443,
      bytes_in: 517,
      bytes_out: 0,
    } as const
    return i % 10 === 0
      ? { ...about, state: 'closed', ended_by: 'reset' }
      : { ...about, state: 'active', tls_version: 'TLSv1.3', bytes_out: 4_000 }
  })
}

/** Mulberry32: the same seed, the same moments. */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
