import type { Alarm, Judge } from './judges.ts'
import { type IncidentKind, KINDS, type Label, type Labels } from './labels.ts'
import type { SimulatedNetwork } from './population.ts'
import { type Scenario, WEEK } from './scenario.ts'

export type Score = {
  name: string
  /** Alarms without a label per 10,000 networks and week; those in networks without bots, and during scans. */
  falseAlarms: number
  falseAlarmsWithoutBots: number
  falseAlarmsInScans: number
  /** Share of networks alarmed per shared outage, and networks alarmed in all of them. */
  alarmedPerOutage: number
  alarmedInOutages: number
  /** Outages found as one of ours, and alarms about all networks without an outage. */
  outagesFound: number
  outages: number
  falseShared: number
  /** Share of the detectable incidents found before they ended. */
  recall: number
  detectable: number
  kinds: Record<IncidentKind, { found: number; detectable: number; delay: number }>
  onsetError: number
  recovery: number
  /** Re-opened or repeated alarms per 50 flapping incidents. */
  reopens: number
}

/** After the end of a fault an alarm of it may still come: the last minutes are judged late. */
const GRACE = 10
const OUTAGE_GRACE = 30

export function scoreOf(
  judge: Judge,
  scenario: Scenario,
  networks: SimulatedNetwork[],
  labels: Labels,
): Score {
  const start = scenario.learning_weeks * WEEK
  const alarms = judge.alarms().filter(({ opened }) => opened >= start)
  const first = matchLabels(labels.incidents, alarms)
  const matched = new Set([...first.values()].flat())
  const inOutage = (alarm: Alarm) =>
    labels.outages.some(({ from, to }) => alarm.opened >= from && alarm.opened < to + OUTAGE_GRACE)
  const inScan = ({ network, opened }: Alarm) =>
    labels.scans.some((scan) => scan.network === network && opened >= scan.from && opened < scan.to + GRACE)
  const rest = alarms.filter((alarm) => !matched.has(alarm))
  const wrong = rest.filter((alarm) => !inOutage(alarm))
  const per = 10_000 / networks.length / scenario.test_weeks
  const withoutBots = wrong.filter(({ network }) => networks[network]?.bot === false)
  const blamed = rest.filter(inOutage).length
  const shared = judge.shared().filter(({ opened }) => opened >= start)
  const found = labels.outages.filter(({ from, to }) =>
    shared.some(({ opened }) => opened >= from && opened < to + GRACE),
  )
  return {
    name: judge.name,
    falseAlarms: (wrong.length - wrong.filter(inScan).length) * per,
    falseAlarmsWithoutBots: (withoutBots.length - withoutBots.filter(inScan).length) * per,
    falseAlarmsInScans: wrong.filter(inScan).length,
    alarmedPerOutage: labels.outages.length === 0 ? 0 : blamed / networks.length / labels.outages.length,
    alarmedInOutages: blamed,
    outagesFound: found.length,
    outages: labels.outages.length,
    falseShared: shared.filter((alarm) => !inOutage(alarm)).length,
    ...scoreIncidents(labels.incidents, first),
  }
}

/** The alarms that belong to each label: on its network, opened between its start and a little after its end. */
function matchLabels(incidents: Label[], alarms: Alarm[]): Map<Label, Alarm[]> {
  const byNetwork = new Map<number, Alarm[]>()
  for (const alarm of alarms) byNetwork.set(alarm.network, [...(byNetwork.get(alarm.network) ?? []), alarm])
  return new Map(
    incidents.map((label) => [
      label,
      (byNetwork.get(label.network) ?? []).filter((alarm) => belongs(alarm, label)),
    ]),
  )
}

/** An alarm that was already open when the fault began is no find, but no second false alarm either. */
function belongs({ opened }: Alarm, { from, to }: Label): boolean {
  return opened >= from && opened < to + GRACE
}

function scoreIncidents(incidents: Label[], matches: Map<Label, Alarm[]>) {
  const detectable = incidents.filter((label) => label.detectable)
  const firstOf = (label: Label) => matches.get(label)?.[0]
  const foundInTime = detectable.filter(
    (label) => (firstOf(label)?.opened ?? Number.POSITIVE_INFINITY) < label.to,
  )
  const sudden = foundInTime.filter(({ kind }) => kind !== 'ramp')
  const onsets = sudden.map((label) => Math.abs((firstOf(label)?.onset ?? 0) - label.from))
  const recoveries = foundInTime.map(
    (label) => (matches.get(label)?.at(-1)?.closed ?? Number.POSITIVE_INFINITY) - label.to,
  )
  const flapping = detectable.filter(({ kind }) => kind === 'flapping')
  const again = flapping.map((label) => {
    const alarms = matches.get(label) ?? []
    return Math.max(0, alarms.length - 1) + alarms.reduce((sum, { reopened }) => sum + reopened, 0)
  })
  return {
    recall: foundInTime.length / detectable.length,
    detectable: detectable.length,
    kinds: scoreKinds(detectable, foundInTime, firstOf),
    onsetError: median(onsets),
    recovery: median(recoveries),
    reopens: (again.reduce((sum, count) => sum + count, 0) * 50) / Math.max(1, flapping.length),
  }
}

function scoreKinds(detectable: Label[], found: Label[], firstOf: (label: Label) => Alarm | undefined) {
  const scores = KINDS.map((kind) => {
    const mine = found.filter((label) => label.kind === kind)
    const delay = median(mine.map((label) => (firstOf(label)?.opened ?? 0) - label.from + 1))
    const all = detectable.filter((label) => label.kind === kind).length
    return [kind, { found: mine.length, detectable: all, delay }] as const
  })
  return Object.fromEntries(scores) as Score['kinds'] // one entry for each of KINDS
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
