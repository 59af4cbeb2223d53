/** What a simulated fleet is made of. Every field can be set in a JSON file (`--scenario FILE`). Times in minutes. */
export type Scenario = {
  networks: number
  /** Clients per minute of the largest network, and the exponent of Zipf's law. */
  largest_volume: number
  zipf: number
  learning_weeks: number
  test_weeks: number
  /** Base failure rate and correlation within a minute, log-uniform between two values. */
  base_rate: [number, number]
  rho: [number, number]
  /** Standard deviation of the logarithm of a network's rate as it drifts, and how long it remembers. */
  drift: number
  drift_hours: number
  /** Amplitude of the day rhythm of volume, and of the failure rate of a site. */
  volume_rhythm: number
  rate_rhythm: number
  sites: number
  /** Share of networks with a client that fails alone now and then; its mean time on and off. */
  bots: number
  bot_on: number
  bot_off: number
  /** Share of networks that appear only during the test. */
  newcomers: number
  /** Scans a week, each from hundreds of addresses of one network on top of its traffic. */
  scans: number
  /** Gaps of the collector a week. */
  gaps: number
  /** Lag-one autocorrelation of the minute's rate, 0 for independent minutes. */
  autocorrelation: number
  /** Labelled incidents and shared outages a week. */
  incidents: number
  outages: number
  /** Failing clients that come back every minute raise the traffic by this factor of those failing. */
  retries: number
}

export const WEEK = 7 * 24 * 60

export const STANDARD: Scenario = {
  networks: 10_000,
  largest_volume: 1000,
  zipf: 1,
  learning_weeks: 1,
  test_weeks: 1,
  base_rate: [0.001, 0.05],
  rho: [0.0005, 0.02],
  drift: 0.2,
  drift_hours: 48,
  volume_rhythm: 0.6,
  rate_rhythm: 0.2,
  sites: 3,
  bots: 0.05,
  bot_on: 180,
  bot_off: 2880,
  newcomers: 0.02,
  scans: 0,
  gaps: 2,
  autocorrelation: 0,
  incidents: 400,
  outages: 10,
  retries: 0,
}
