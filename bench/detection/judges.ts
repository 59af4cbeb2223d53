import { pushRow } from '../../detector/batch.ts'
import { createFleet } from '../../detector/fleet.ts'
import type { IncidentRecord } from '../../detector/lifecycle.ts'
import { ALL_PARTS, DEFAULT_OPTIONS, type DetectorParts } from '../../detector/options.ts'
import { KIND } from '../../detector/streams.ts'
import type { SimulatedNetwork } from './population.ts'

/** An alarm of a rule under test. Minutes from the start of the simulation; `closed` is Infinity while it lasts. */
export type Alarm = { network: number; onset: number; opened: number; closed: number; reopened: number }

export type Judge = {
  readonly name: string
  count(network: number, n: number, k: number, worst: number, worstFailed: number): void
  /** Ends minute t. */
  judge(t: number): void
  alarms(): Alarm[]
  /** Alarms about all networks at once. */
  shared(): Alarm[]
}

/** The detector, or the detector without one of its parts. */
export function createOurs(
  networks: SimulatedNetwork[],
  name: string,
  parts: Partial<DetectorParts> = {},
): Judge {
  const fleet = createFleet({ ...DEFAULT_OPTIONS, parts: { ...ALL_PARTS, ...parts } })
  const streams = new Map<number, number>()
  const names = new Map<number, number>()
  const records = new Set<IncidentRecord>()

  function streamOf(network: number): number {
    const known = streams.get(network)
    if (known !== undefined) return known
    const stream = fleet.add(KIND.network, -1)
    streams.set(network, stream)
    names.set(stream, network)
    return stream
  }

  function alarmsWhere(included: (record: IncidentRecord) => boolean): Alarm[] {
    return [...records].filter(included).map((record) => ({
      network: names.get(record.stream) ?? -1,
      onset: record.onset,
      opened: record.opened,
      closed: record.state === 'open' ? Number.POSITIVE_INFINITY : record.closed,
      reopened: record.reopened,
    }))
  }

  return {
    name,
    count(network, n, k, worst, worstFailed) {
      const stratum = fleet.world.stratum(`site ${networks[network]?.site}`, 4)
      const stream = streamOf(network)
      pushRow(fleet.batch, { stream, stratum, n, k, completed: n - k, worst, worstFailed })
    },
    judge(t) {
      fleet.judge(t)
      for (const record of fleet.lifecycle.changes()) records.add(record)
    },
    alarms: () => alarmsWhere(({ stream }) => names.has(stream)),
    shared: () => alarmsWhere(({ stream }) => !names.has(stream)),
  }
}

/** Success below 95 % over the last five minutes: the rule everybody starts with. */
export function createThreshold(networks: number): Judge {
  return createWindowed('success < 95 % over 5 min', networks, 5, ({ n, k }) => n > 0 && k / n > 0.05)
}

/** Two-proportion z above 3: the last fifteen minutes against a week of own history. */
export function createZTest(networks: number): Judge {
  return createWindowed('z > 3 over 15 min', networks, 15, ({ n, k, historyN, historyK }) => {
    if (n === 0 || historyN === 0) return false
    const pooled = (k + historyK) / (n + historyN)
    const error = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / historyN))
    return error > 0 && (k / n - historyK / historyN) / error > 3
  })
}

type Window = { n: number; k: number; historyN: number; historyK: number }

/** An alarm lasts until the rule has been quiet for so many minutes; sooner would only count more of them. */
const QUIET = 30
const FORGET = 2 ** (-1 / (7 * 24 * 60))

function createWindowed(
  name: string,
  networks: number,
  width: number,
  fires: (window: Window) => boolean,
): Judge {
  const ringN = new Float64Array(networks * width)
  const ringK = new Float64Array(networks * width)
  const windows: Window[] = Array.from({ length: networks }, () => ({ n: 0, k: 0, historyN: 0, historyK: 0 }))
  const open = new Map<number, { alarm: Alarm; last: number }>()
  const done: Alarm[] = []
  const minute = new Map<number, { n: number; k: number }>()

  function judge(t: number): void {
    for (let network = 0; network < networks; network++) {
      const window = windows[network]
      if (window === undefined) continue
      const at = network * width + (t % width)
      const seen = minute.get(network)
      const [oldN, oldK] = [ringN[at] ?? 0, ringK[at] ?? 0]
      window.n += (seen?.n ?? 0) - oldN
      window.k += (seen?.k ?? 0) - oldK
      window.historyN = window.historyN * FORGET + oldN
      window.historyK = window.historyK * FORGET + oldK
      ringN[at] = seen?.n ?? 0
      ringK[at] = seen?.k ?? 0
      note(network, t, fires(window))
    }
    minute.clear()
  }

  function note(network: number, t: number, fired: boolean): void {
    const current = open.get(network)
    if (fired && current === undefined) {
      open.set(network, {
        alarm: { network, onset: t, opened: t, closed: Number.POSITIVE_INFINITY, reopened: 0 },
        last: t,
      })
    } else if (fired && current !== undefined) {
      current.last = t
    } else if (current !== undefined && t - current.last > QUIET) {
      done.push({ ...current.alarm, closed: t })
      open.delete(network)
    }
  }

  return {
    name,
    count: (network, n, k) => void minute.set(network, { n, k }),
    judge,
    alarms: () => [...done, ...[...open.values()].map(({ alarm }) => alarm)],
    shared: () => [],
  }
}
