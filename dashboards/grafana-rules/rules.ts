import { NEWEST_MINUTE } from '../common/freshness.ts'
import type { UIDS } from '../common/uids.ts'

/** An alert rule that Grafana evaluates. Its query answers one number a row; texts beside it are the labels of that row's alert. */
export type GrafanaRule = {
  /** Never changes: silences and history hold it. */
  uid: string
  title: string
  sql: string
  /** It fires above this. */
  above: number
  /** For so long it must hold. */
  for: string
  /** What it means that the query answers no rows. */
  noRows: 'OK' | 'Alerting'
  severity: 'critical' | 'warning'
  summary: string
  description: string
  /** Where to look. */
  panel: { dashboard: keyof typeof UIDS; id: number }
}

/** An agent that reported within this time is missed; one that was silent for longer was taken out of service. */
const MISSED_FOR = 86_400
const A_QUARTER = 900

/**
 * Few on purpose: whether Halfshake itself works, which it cannot tell anybody when it does not; and what the detector found, for those
 * whom Grafana alerts. No macro of the data source is needed. Texts say `.Labels`, not `$labels`: some versions of Grafana take a dollar in these files for
 * a variable of the environment.
 */
export const RULES: readonly GrafanaRule[] = [
  {
    uid: 'halfshake-not-fresh',
    title: 'Halfshake stores nothing new',
    sql: NEWEST_MINUTE,
    above: 300,
    for: '5m',
    noRows: 'Alerting',
    severity: 'critical',
    summary: 'The newest minute that Halfshake stored is {{ humanizeDuration .Values.A.Value }} old.',
    description:
      'Nothing arrives from the edge, or what arrives is not stored: no network can be judged. The dashboard Pipeline shows where it stops.',
    panel: { dashboard: 'pipeline', id: 1 },
  },
  {
    uid: 'halfshake-agent-silent',
    title: 'A Halfshake agent is silent',
    sql: `
SELECT toString(agent) AS agent, dateDiff('second', max(received_at), now64(3, 'UTC')) AS age
FROM batches
WHERE received_at >= now('UTC') - ${MISSED_FOR}
GROUP BY agent`,
    above: A_QUARTER,
    for: '5m',
    noRows: 'OK',
    severity: 'warning',
    summary: 'The agent {{ .Labels.agent }} sent its last batch {{ humanizeDuration .Values.A.Value }} ago.',
    description:
      'It stopped, cannot reach the ingest, or nobody connects to its server. Within a day of its last batch it is missed, then forgotten.',
    panel: { dashboard: 'pipeline', id: 9 },
  },
  {
    uid: 'halfshake-refused-lines',
    title: 'Halfshake refuses lines of an agent',
    sql: `
SELECT toString(agent) AS agent, sum(rejected) / sum(accepted + rejected) AS share
FROM batches
WHERE received_at >= now('UTC') - ${A_QUARTER}
GROUP BY agent
HAVING sum(accepted + rejected) > 0`,
    above: 0.01,
    for: '10m',
    noRows: 'OK',
    severity: 'warning',
    summary:
      '{{ humanizePercentage .Values.A.Value }} of the lines of the agent {{ .Labels.agent }} are refused.',
    description:
      'Refused lines are in no rate. The dashboard Pipeline names the field and the reason; they are kept with their bytes.',
    panel: { dashboard: 'pipeline', id: 8 },
  },
  {
    uid: 'halfshake-untold',
    title: 'Halfshake cannot deliver its alerts',
    sql: `
SELECT toString(receiver) AS receiver, dateDiff('second', min(created_at), now64(3, 'UTC')) AS waits
FROM notifications FINAL
WHERE state = 'queued'
GROUP BY receiver`,
    above: A_QUARTER,
    for: '0s',
    noRows: 'OK',
    severity: 'critical',
    summary:
      'A message of Halfshake to {{ .Labels.receiver }} waits for {{ humanizeDuration .Values.A.Value }}.',
    description:
      'The receiver refuses or is down, and nobody was told. The dashboard Alerts has its last answer.',
    panel: { dashboard: 'alerts', id: 9 },
  },
  {
    uid: 'halfshake-diverges',
    title: 'A network diverges',
    sql: `
SELECT id AS incident, if(asn = 0, toString(scope), concat('AS', toString(asn))) AS network, label, failure_rate
FROM incidents FINAL
WHERE state = 'open' AND kind = 'divergence'
LIMIT 500`,
    above: 0,
    for: '0s',
    noRows: 'OK',
    severity: 'warning',
    summary:
      '{{ .Labels.network }} {{ .Labels.label }} fails {{ humanizePercentage .Values.A.Value }} of its handshakes.',
    description:
      'The detector holds an incident open: it fails more than its own past and the rest of the world explain. The sentence of the detector is on the dashboard Overview.',
    panel: { dashboard: 'overview', id: 5 },
  },
]
