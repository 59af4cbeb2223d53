import { type Choice, expand } from '../../dashboards/testing/expand.ts'
import { type Dashboard, queriesOf } from '../../dashboards/testing/model.ts'

const HOUR_MS = 3_600_000

/** One way to look at a dashboard: a range, whether it opens with it, and the network if it is about one. */
export type Look = { name: string; hours: number; asn: number; usual: boolean }
export type Query = { where: string; sql: string }

/** As it opens and over longer ranges; the page of a network for a big one and a small one. */
export function looksAt(dashboard: Dashboard, { big, small }: { big: number; small: number }): Look[] {
  const usual = hoursOf(dashboard)
  const ranges = [
    { name: `${usual} h`, hours: usual, usual: true },
    { name: '7 d', hours: 168, usual: false },
    { name: '30 d', hours: 720, usual: false },
  ]
  if (!dashboard.templating.list.some(({ name }) => name === 'asn')) {
    return ranges.map((range) => ({ ...range, asn: 0 }))
  }
  const ofBoth = [
    ['big', big],
    ['small', small],
  ] as const
  return ofBoth.flatMap(([size, asn]) =>
    ranges.map((range) => ({ ...range, name: `${size}, ${range.name}`, asn })),
  )
}

/** The dashboard's queries as they reach the engine, with every filter at "All". */
export function queriesAt(dashboard: Dashboard, { hours, asn }: Look, now: number): Query[] {
  const variables: Record<string, Choice> = {}
  for (const { name, current } of dashboard.templating.list) variables[name] = { value: current?.value ?? '' }
  variables['asn'] = { value: String(asn) }
  const [from, to] = [now - hours * HOUR_MS, now]
  // Grafana makes the step of the range and of some thousand points; no panel asks for less than a minute.
  const intervalSeconds = Math.max(60, Math.round((to - from) / 1_000 / 1_000))
  return queriesOf(dashboard).map(({ where, sql }) => ({
    where,
    sql: expand(sql, { from, to, intervalSeconds, variables }),
  }))
}

function hoursOf({ title, time }: Dashboard): number {
  const [, hours] = /^now-(\d+)h$/.exec(time.from) ?? []
  if (hours === undefined) throw new Error(`${title} opens with ${time.from}, which is not in hours`)
  return Number(hours)
}
