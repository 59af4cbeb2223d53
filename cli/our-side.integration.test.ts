import { expect, it } from 'vitest'
import type { DecidingEvent } from '../core/event/index.ts'
import { parseConfig } from '../core/runtime/config.ts'
import { startAll } from '../core/runtime/lifecycle.ts'
import { createLogger } from '../core/runtime/log.ts'
import { temporaryFolder } from '../core/store/testing.ts'
import {
  createFeed,
  createFeeder,
  createPopulation,
  createTraffic,
  MINUTE_MS,
  readAsnRanges,
  type Traffic,
} from '../lab/simulator/index.ts'
import { createPipeline } from './pipeline.ts'
import { readerConnections } from './reader-connections.ts'

const HISTORY_MS = 3 * 3_600_000
const EXPIRED_FOR_MS = 12 * MINUTE_MS
/** RFC 8446 section 6.2: certificate_expired. */
const CERTIFICATE_EXPIRED = 45

it('a certificate of ours that expires is one incident, "our side", through the real pipeline', async () => {
  const folder = await temporaryFolder()
  const stop = new AbortController()
  const now = Date.now()
  const log = createLogger({ level: 'error' })
  const connections = { HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0', HALFSHAKE_DATA_FOLDER: folder.path }
  const parsed = parseConfig({ env: connections })
  if (!parsed.ok) throw new Error('the configuration is refused')
  const traffic = withExpiredCertificate(
    createTraffic({ population: createPopulation({ ranges: readAsnRanges() }), idPrefix: 'ours' }),
    now - EXPIRED_FOR_MS,
  )
  const pipeline = createPipeline({
    config: parsed.config,
    log,
    readers: readerConnections({}),
    onDeath: (name, error) => log.error({ name, error: String(error) }, 'died'),
    onAsnProgress: () => undefined,
    beforeDetector: async (url) => {
      const feeder = createFeeder({ url, epoch: now * 1_000, signal: stop.signal })
      await createFeed({ traffic, feeder, from: now - HISTORY_MS }).advance(now)
    },
  })
  const running = await startAll(pipeline.components, { log })
  try {
    const answer = await fetch(`${pipeline.url()}/v1/divergences?state=all&from=${now - HISTORY_MS}`)
    expect(answer.status).toBe(200)
    const { items } = (await answer.json()) as { items: Record<string, unknown>[] }
    expect(items.map(({ kind, scope, state }) => ({ kind, scope, state }))).toEqual([
      { kind: 'our_side', scope: 'world', state: 'open' },
    ])
    expect(items[0]).toMatchObject({
      cause: 'client_rejected',
      explanation: expect.stringMatching(/the networks fail alike, so the fault is on our side/),
    })
  } finally {
    stop.abort()
    await running.stop()
    await folder.remove()
  }
}, 240_000)

/** From then on every client that gets as far as the certificate refuses it. */
function withExpiredCertificate(traffic: Traffic, since: number): Traffic {
  return {
    agents: traffic.agents,
    eventsOfMinute: (minute) =>
      traffic.eventsOfMinute(minute).map(({ agent, events }) => ({
        agent,
        events: events.map((event) => (event.decided_at < since ? event : refused(event))),
      })),
  }
}

function refused(event: DecidingEvent): DecidingEvent {
  if (event.state !== 'active') return event
  const { tls_version: _version, cipher: _cipher, alpn: _alpn, ...facts } = event
  return { ...facts, state: 'closed', ended_by: 'alert', alert: CERTIFICATE_EXPIRED, alert_side: 'client' }
}
