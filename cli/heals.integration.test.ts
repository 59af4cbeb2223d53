import { expect, it } from 'vitest'
import type { Message } from '../alerts/message.ts'
import { startReceiver } from '../alerts/testing/receiver.ts'
import { parseConfig } from '../core/runtime/config.ts'
import { startAll } from '../core/runtime/lifecycle.ts'
import { createLogger } from '../core/runtime/log.ts'
import { temporaryFolder } from '../core/store/testing.ts'
import { UIDS } from '../dashboards/common/uids.ts'
import {
  createFeed,
  createFeeder,
  createPopulation,
  createTraffic,
  MINUTE_MS,
  readAsnRanges,
} from '../lab/simulator/index.ts'
import { createPipeline } from './pipeline.ts'
import { readerConnections } from './reader-connections.ts'

const HISTORY = 180
const BREAKS = 6
const HEALS = 20
const ENDS = 50
/** Recovery takes ten minutes in which nothing fails by chance either: in a network with ordinary failures that may be long. */
const LATEST = 330
/** Minutes that pass between two looks. */
const STEP = 5

it('a network that breaks and heals is one alert with its cause and one end, by the shipped rule, through the real pipeline', async () => {
  const folder = await temporaryFolder()
  const receiver = await startReceiver()
  const stop = new AbortController()
  const begin = Math.floor(Date.now() / MINUTE_MS - LATEST - 10) * MINUTE_MS
  const at = (minute: number) => begin + minute * MINUTE_MS
  let now = begin
  const log = createLogger({ level: 'error' })
  const population = createPopulation({ ranges: readAsnRanges() })
  const traffic = createTraffic({ population, incidents: [{ from: at(BREAKS), until: at(HEALS) }] })
  let advance: (to: number) => Promise<void> = async () => undefined
  const pipeline = createPipeline({
    config: configOf(folder.path, receiver.url),
    log,
    readers: readerConnections({}),
    onDeath: (name, error) => log.error({ name, error: String(error) }, 'died'),
    onAsnProgress: () => undefined,
    beforeDetector: async (url) => {
      const feeder = createFeeder({ url, epoch: begin * 1_000, signal: stop.signal })
      const feed = createFeed({ traffic, feeder, from: begin - HISTORY * MINUTE_MS })
      advance = (to) => feed.advance(to)
      await advance(begin)
    },
    clock: () => now,
  })
  const running = await startAll(pipeline.components, { log })
  const isOver = () => receiver.received.some(({ body }) => (body as Message).status === 'resolved')
  try {
    for (let minute = STEP; minute <= ENDS || (minute <= LATEST && !isOver()); minute += STEP) {
      await advance(at(minute))
      now = at(minute)
      await judged(pipeline.url(), now)
      await evaluated(pipeline.url(), now)
    }
    await settled(pipeline.url())
    const messages = receiver.received.map(({ body }) => body as Message)
    const asn = population.victim.asn
    expect(messages.map(({ status, repeated }) => ({ status, repeated }))).toEqual([
      { status: 'firing', repeated: false },
      { status: 'resolved', repeated: false },
    ])
    const [fired, over] = messages.map(({ alerts }) => alerts[0])
    expect(fired).toMatchObject({
      ...{ kind: 'divergence', scope: 'network', asn },
      cause: { name: 'mtu_inbound', advice: expect.stringContaining('ICMP') },
      links: {
        page: `https://halfshake.example.com/#/networks/AS${asn}`,
        dashboard: expect.stringContaining(`https://grafana.example.com/d/${UIDS.network}?var-asn=${asn}&`),
      },
    })
    expect(messages[0]?.rule.id).toBe('any-network-diverges')
    expect(over).toMatchObject({ id: fired?.id, resolution: 'recovered' })
    const minutesOf = (time: string | null | undefined) => (Date.parse(time ?? '') - begin) / MINUTE_MS
    expect(minutesOf(fired?.fired_at)).toBeGreaterThan(BREAKS)
    expect(minutesOf(fired?.fired_at)).toBeLessThan(HEALS)
    expect(minutesOf(over?.resolved_at)).toBeGreaterThan(HEALS)
  } finally {
    stop.abort()
    await running.stop()
    await receiver.close()
    await folder.remove()
  }
}, 300_000)

function configOf(folder: string, url: string) {
  const parsed = parseConfig({
    env: {
      HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      HALFSHAKE_DATA_FOLDER: folder,
      HALFSHAKE_DETECTOR_WATERMARK: '5s',
      HALFSHAKE_ALERTS_PUBLIC_URL: 'https://halfshake.example.com',
      HALFSHAKE_ALERTS_GRAFANA_URL: 'https://grafana.example.com/',
      HALFSHAKE_ALERTS_RECEIVERS: `[{name: ops, type: webhook, url: "${url}"}]`,
    },
  })
  if (!parsed.ok) throw new Error('the configuration is refused')
  return parsed.config
}

/** Until the detector has judged every minute that is due: with a clock that leaps, the rules do not wait for it. */
async function judged(url: string, now: number): Promise<void> {
  const due = Math.floor((now - 5_000) / MINUTE_MS) * 60 - 60
  await until(async () => (await figure(url, 'halfshake_detector_judged_minute_timestamp_seconds')) >= due)
}

/** Until every minute that is due at this time is evaluated: watermark and the detector's lag are 15 seconds. */
async function evaluated(url: string, now: number): Promise<void> {
  const due = Math.floor((now - 15_000) / MINUTE_MS) * 60 - 60
  await until(async () => (await figure(url, 'halfshake_alerts_evaluated_minute_timestamp_seconds')) >= due)
}

/** Until no message is on its way. */
async function settled(url: string): Promise<void> {
  await until(async () => (await figure(url, 'halfshake_notifications_queued{receiver="ops"}')) === 0)
}

async function figure(url: string, name: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
  return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length) ?? Number.NaN)
}

async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 100))
}
