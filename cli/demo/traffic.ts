import {
  createFeed,
  createFeeder,
  createPopulation,
  createTraffic,
  type Feed,
  MINUTE_MS,
  readAsnRanges,
} from '../../lab/simulator/index.ts'

const HISTORY_MS = 6 * 3_600_000
const BROKEN_FOR_MS = 12 * MINUTE_MS

/** The demo's made-up edge: its traffic, and what is broken in it. */
export type DemoTraffic = {
  networks: number
  /** The network that is broken, and since when (ms since 1970). */
  victim: { asn: number; since: number }
  /** A feed that begins six hours ago and carries to the ingest at a URL. */
  feedTo(url: string): Feed
}

export function createDemoTraffic({
  now,
  healsAt,
  signal,
}: {
  now: number
  /** When the network is whole again, ms since 1970; never when undefined. */
  healsAt?: number | undefined
  signal: AbortSignal
}): DemoTraffic {
  const population = createPopulation({ ranges: readAsnRanges() })
  const since = Math.floor((now - BROKEN_FOR_MS) / MINUTE_MS) * MINUTE_MS
  const traffic = createTraffic({
    population,
    incidents: [{ from: since, ...(healsAt !== undefined && { until: healsAt }) }],
    idPrefix: `demo-${now.toString(36)}`,
  })
  return {
    networks: population.networks.length,
    victim: { asn: population.victim.asn, since },
    feedTo: (url) =>
      createFeed({
        traffic,
        feeder: createFeeder({ url, epoch: now * 1_000, signal }),
        from: now - HISTORY_MS,
      }),
  }
}
