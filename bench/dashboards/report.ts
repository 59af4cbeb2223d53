import { describeMachine, markdownTable, thousands } from '../machine.ts'
import type { Look } from './looks.ts'
import { type Measured, quantile } from './measure.ts'

export type Row = Measured & { dashboard: string; look: Look; where: string; sql: string }

const GOAL_MS = 300
/** The one panel that is about single handshakes. */
const OF_SINGLE_HANDSHAKES = 'panel "Latest failed handshakes" A'

type Given = {
  rows: readonly Row[]
  /** Bytes a second. */
  scan: number
  networks: number
  days: number
  runs: number
  /** Load average before and after. */
  load: readonly [number, number]
  sizes: readonly { table: string; rows: number; bytes: number }[]
}

export function report({ rows, scan, networks, days, runs, load, sizes }: Given): string {
  const usual = rows.filter(({ look }) => look.usual)
  const slow = usual.filter((row) => p95(row) > GOAL_MS)
  const raw = rows.filter(
    ({ sql, where }) => /\bFROM handshakes\b/.test(sql) && where !== OF_SINGLE_HANDSHAKES,
  )
  return `# Dashboards: how long each query takes

${thousands(days)} days of ${thousands(networks)} networks, generated with a seed (bench/dashboards/fleet.ts): 16,000 handshakes a minute for 10,000 networks, six
sites. Three days went through the rollups' own views; the days before are copies of a whole day, in the tables that are read for so long. One in
20 handshakes of the last day is in the raw table. Each query ran once to warm up and then ${runs} times, one after another, in the embedded engine, with
the filters at "All" and its answer parsed. Measured with \`npm run bench -- dashboards\` on
${describeMachine({ chdb: '3.4.0' })}; load average ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after.

The goal is a 95th percentile of ${GOAL_MS} ms as a dashboard opens: ${slow.length === 0 ? 'every query keeps within it' : `missed by ${names(slow)}`}.
${raw.length === 0 ? 'No query reads the raw table where a rollup could serve' : `These read the raw table where a rollup could serve: ${names(raw)}`}; only Latest failed handshakes reads it.

The limit is reading alone: \`SELECT sum(handshakes) FROM hours_by_network\` in the same run read ${(scan / 1e9).toFixed(2)} GB a second; "of the limit" is the
median over the time that the same bytes take so. Below 1 MB it says nothing and is left out.

## As each dashboard opens

${tableOf(usual, scan)}

## Over longer ranges

The slowest query of each, and all together as if one had to wait for the other.

${summary(rows)}

${tableOf(
  rows.filter((row) => !row.look.usual && p95(row) > GOAL_MS),
  scan,
)}

## What was stored

${markdownTable(
  ['table', 'rows', 'MB'],
  sizes.map(({ table, rows: n, bytes }) => [table, thousands(n), thousands(bytes / 1e6)]),
)}
`
}

function tableOf(rows: readonly Row[], scan: number): string {
  const header = [
    'dashboard',
    'range',
    'query',
    'median ms',
    'p95 ms',
    'rows read',
    'MB read',
    'of the limit',
  ]
  return markdownTable(
    header,
    rows.map((row) => [
      row.dashboard,
      row.look.name,
      row.where.replace(/^panel "(.*)" (\w)$/, (_, title: string, letter: string) => `${title}, ${letter}`),
      quantile(row.ms, 0.5).toFixed(0),
      p95(row).toFixed(0),
      thousands(row.rowsRead),
      (row.bytesRead / 1e6).toFixed(1),
      row.bytesRead < 1e6 ? '-' : (quantile(row.ms, 0.5) / ((row.bytesRead / scan) * 1_000)).toFixed(1),
    ]),
  )
}

/** One line for each look at a dashboard. */
function summary(rows: readonly Row[]): string {
  const looks = new Map<string, Row[]>()
  for (const row of rows) {
    const key = `${row.dashboard}, ${row.look.name}`
    looks.set(key, [...(looks.get(key) ?? []), row])
  }
  return markdownTable(
    ['dashboard', 'slowest query', 'its p95 ms', 'medians of all together, ms'],
    [...looks].map(([name, all]) => {
      const [slowest] = [...all].sort((a, b) => p95(b) - p95(a))
      const together = all.reduce((sum, { ms }) => sum + quantile(ms, 0.5), 0)
      return [
        name,
        slowest?.where ?? '',
        slowest === undefined ? '' : p95(slowest).toFixed(0),
        together.toFixed(0),
      ]
    }),
  )
}

function p95({ ms }: Measured): number {
  return quantile(ms, 0.95)
}

function names(rows: readonly Row[]): string {
  return rows.map(({ dashboard, look, where }) => `${dashboard}, ${look.name}, ${where}`).join('; ')
}
