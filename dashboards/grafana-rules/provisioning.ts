import { stringify } from 'yaml'
import { clickHouse } from '../common/target.ts'
import { UIDS } from '../common/uids.ts'
import { type GrafanaRule, RULES } from './rules.ts'

/** The data source of deploy/grafana/datasources.yaml: a rule has no variable to choose another. */
const DATASOURCE = { type: 'grafana-clickhouse-datasource', uid: 'halfshake' } as const
const EXPRESSIONS = { type: '__expr__', uid: '__expr__' } as const
const HEADING = `# Grafana alert rules for Halfshake, made by "npm run dashboards". The pipeline's own health, and what the detector found;
# the latter is told by Halfshake's own alerts as well. docs/dashboards.md says how to switch them on.
`

/** The rules as Grafana's file provisioning takes them. Source: https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/ */
export function buildRules(): string {
  const group = { orgId: 1, name: 'Halfshake', folder: 'Halfshake', interval: '1m', rules: RULES.map(ruleOf) }
  return (
    HEADING + stringify({ apiVersion: 1, groups: [group] }, { lineWidth: 0, aliasDuplicateObjects: false })
  )
}

function ruleOf(rule: GrafanaRule) {
  return {
    uid: rule.uid,
    title: rule.title,
    condition: 'B',
    data: [queryOf(rule), thresholdOf(rule)],
    noDataState: rule.noRows,
    execErrState: 'Error',
    for: rule.for,
    dashboardUid: UIDS[rule.panel.dashboard],
    panelId: rule.panel.id,
    labels: { severity: rule.severity, source: 'halfshake' },
    annotations: {
      summary: rule.summary,
      description: rule.description,
    },
  }
}

function queryOf({ sql }: GrafanaRule) {
  const query = clickHouse(sql, { refId: 'A' }).build()
  return {
    refId: 'A',
    // The queries say themselves what they look at; Grafana wants a range all the same.
    relativeTimeRange: { from: 3_600, to: 0 },
    datasourceUid: DATASOURCE.uid,
    model: { ...JSON.parse(JSON.stringify(query)), datasource: DATASOURCE },
  }
}

function thresholdOf({ above }: GrafanaRule) {
  return {
    refId: 'B',
    datasourceUid: EXPRESSIONS.uid,
    model: {
      refId: 'B',
      type: 'threshold',
      datasource: EXPRESSIONS,
      expression: 'A',
      conditions: [{ type: 'query', evaluator: { type: 'gt', params: [above] } }],
    },
  }
}
