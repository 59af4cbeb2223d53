import type { MinuteCount } from '../../detector/count.ts'
import { createDetector } from '../../detector/detector.ts'
import { createRandom } from './random.ts'

export type SpeedResult = {
  streams: number
  /** CPU of one minute in which every stream has a row, and of the minute that turns the hour; milliseconds. */
  minute_cpu_ms: number
  hour_cpu_ms: number
  state_bytes: number
}

const WARM_UP = 10
const MINUTES = 130

/** Judges two hours of a fleet of networks with prefixes, each with a row in every minute. */
export function measureSpeed(networks: number, prefixes: number): SpeedResult {
  const random = createRandom(1)
  const detector = createDetector()
  const rows = Array.from({ length: networks }, (_, i) => rowsOf(i, prefixes)).flat()
  const minutes: number[] = []
  const hours: number[] = []
  for (let t = 0; t < MINUTES; t++) {
    for (const row of rows) draw(row, t, random)
    const before = process.cpuUsage()
    detector.judgeMinute(t * 60, rows)
    const { user, system } = process.cpuUsage(before)
    if (t >= WARM_UP) (t % 60 === 0 ? hours : minutes).push((user + system) / 1000)
  }
  const { streams, bytes } = detector.size()
  return { streams, minute_cpu_ms: mean(minutes), hour_cpu_ms: mean(hours), state_bytes: bytes }
}

function rowsOf(index: number, prefixes: number): MinuteCount[] {
  const network: MinuteCount = {
    ...{ minute: 0, asn: index + 1, label: '', prefix: '', site: 'fra', ip_version: 4 },
    ...{ completed: 0, failed: 0, clients: 0, failed_clients: 0, worst_client: '', worst_client_failed: 0 },
  }
  const names = Array.from(
    { length: prefixes },
    (_, p) => `10.${index >> 8}.${index & 255}.${p * 16}/28`,
  ).sort()
  return [network, ...names.map((prefix) => ({ ...network, prefix }))]
}

function draw(row: MinuteCount, t: number, random: ReturnType<typeof createRandom>): void {
  row.minute = t * 60
  row.clients = 1 + random.poisson(row.prefix === '' ? 6 : 1)
  row.failed_clients = random.binomial(row.clients, 0.01)
  row.completed = row.clients - row.failed_clients
  row.failed = row.failed_clients
  row.worst_client = row.failed_clients > 0 ? `client ${random.below(1000)}` : ''
  row.worst_client_failed = row.failed_clients > 0 ? 1 : 0
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
