import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { ROOT } from './model.ts'
import type { Answer } from './shape.ts'

/** A rule as the committed file has it. */
export type ProvisionedRule = {
  uid: string
  title: string
  condition: string
  dashboardUid: string
  panelId: number
  noDataState: string
  annotations: { summary: string; description: string }
  data: {
    refId: string
    datasourceUid: string
    model: {
      rawSql?: string
      datasource: { type: string; uid: string }
      conditions?: { evaluator: { type: string; params: number[] } }[]
    }
  }[]
}

const TEXT = /^(LowCardinality\()?String\)?$/

export function readRules(): ProvisionedRule[] {
  const file = join(ROOT, 'deploy', 'grafana', 'provisioning', 'alerting', 'halfshake.yaml')
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: ProvisionedRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** Why Grafana could not make alerts of this answer: of a table it takes one number, and texts as labels. */
export function ruleProblems({ annotations }: ProvisionedRule, { meta, data }: Answer): string[] {
  const numbers = meta.filter(({ type }) => /^(Nullable\()?(U?Int|Float)\d+\)?$/.test(type))
  const texts = meta.filter(({ type }) => TEXT.test(type))
  const used = [...annotations.summary.matchAll(/\.Labels\.(\w+)/g)].map(([, label = '']) => label)
  const labels = data.map((row) => texts.map(({ name }) => row[name]).join('\n'))
  return [
    ...(numbers.length === 1 ? [] : [`${numbers.length} numbers instead of one`]),
    ...(numbers.length + texts.length === meta.length ? [] : ['a column that is neither number nor text']),
    ...used
      .filter((label) => !texts.some(({ name }) => name === label))
      .map((label) => `no label ${label} for the summary`),
    ...(new Set(labels).size === labels.length ? [] : ['two rows with the same labels']),
  ]
}

/** The rows for which it would fire. */
export function firing(rule: ProvisionedRule, { meta, data }: Answer): Record<string, unknown>[] {
  const above = rule.data[1]?.model.conditions?.[0]?.evaluator.params[0] ?? Number.NaN
  const number = meta.find(({ type }) => !TEXT.test(type))?.name ?? ''
  return data.filter((row) => Number(row[number]) > above)
}
