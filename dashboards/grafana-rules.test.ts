import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { buildRules } from './grafana-rules/provisioning.ts'
import { readRules } from './testing/grafana-rules.ts'
import { ROOT, readDashboards } from './testing/model.ts'

const rules = readRules()
const byTitle = rules.map((rule) => [rule.title, rule] as const)

describe('the committed rules of Grafana', () => {
  it('are what the code builds: run "npm run dashboards" when this fails', () => {
    const file = join(ROOT, 'deploy', 'grafana', 'provisioning', 'alerting', 'halfshake.yaml')
    expect(readFileSync(file, 'utf8')).toBe(buildRules())
  })

  it('keep the names that silences and history hold', () => {
    expect(rules.map(({ uid }) => uid)).toEqual([
      'halfshake-not-fresh',
      'halfshake-agent-silent',
      'halfshake-refused-lines',
      'halfshake-untold',
      'halfshake-diverges',
    ])
  })

  it('have nothing that Grafana would take for a variable, nor YAML that it may not read', () => {
    expect(buildRules()).not.toContain('$')
    expect(buildRules()).not.toMatch(/^\s*\w+: [&*]/m)
  })

  it.each(byTitle)('%s: a query, and the threshold that decides', (_, { condition, data }) => {
    const [query, threshold] = data
    expect(condition).toBe('B')
    expect(data).toHaveLength(2)
    expect(query).toMatchObject({ refId: 'A', model: { refId: 'A', format: 1, editorType: 'sql' } })
    expect(threshold).toMatchObject({ refId: 'B', datasourceUid: '__expr__', model: { expression: 'A' } })
    expect(threshold?.model.conditions?.[0]?.evaluator).toEqual({ type: 'gt', params: [expect.any(Number)] })
  })

  it.each(byTitle)('%s: asks the data source that is provisioned', (_, { data }) => {
    const file = readFileSync(join(ROOT, 'deploy', 'grafana', 'datasources.yaml'), 'utf8')
    const { datasources } = parse(file) as { datasources: { uid: string; type: string }[] }
    expect(datasources[0]).toMatchObject(data[0]?.model.datasource ?? {})
    expect(data[0]?.datasourceUid).toBe(datasources[0]?.uid)
  })

  it.each(byTitle)('%s: says what is wrong, and shows the panel where it can be seen', (_, rule) => {
    expect(rule.annotations.summary).toMatch(/\{\{.*\}\}.*\.$/)
    expect(rule.annotations.description).toMatch(/\.$/)
    const dashboard = readDashboards().find((one) => one.dashboard.uid === rule.dashboardUid)
    expect(dashboard?.dashboard.panels.map(({ id }) => id)).toContain(rule.panelId)
  })
})
