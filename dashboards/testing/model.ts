import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The committed JSON, as far as tests look at it: what Grafana reads, not what the builders meant. */
export type Dashboard = {
  uid: string
  title: string
  description: string
  tags: string[]
  schemaVersion: number
  time: { from: string; to: string }
  panels: Panel[]
  templating: { list: Variable[] }
  annotations: { list?: Annotation[] }
  links: Link[]
}

export type Panel = {
  id: number
  type: string
  title: string
  description: string
  gridPos: { x: number; y: number; w: number; h: number }
  datasource: { type: string; uid: string }
  targets: Target[]
  options: { legend?: { showLegend: boolean }; reduceOptions?: { fields?: string } }
  fieldConfig: {
    defaults: {
      custom?: { drawStyle?: string }
      unit?: string
      thresholds?: { steps: { value: number | null; color: string }[] }
    }
    overrides: { matcher: { id: string; options: string }; properties: { id: string; value?: unknown }[] }[]
  }
}

export type Target = {
  refId: string
  pluginVersion: string
  rawSql: string
  format: number
  queryType: string
  datasource: { type: string; uid: string }
}

export type Variable = {
  name: string
  type: string
  label: string
  description: string
  query?: string | Target
  current?: { value: string | string[] }
  options?: { value: string }[]
}

export type Annotation = { name: string; target: Target; datasource: { uid: string } }
export type Link = { type: string; title: string; url?: string; tags: string[] }

export const ROOT = join(import.meta.dirname, '..', '..')
export const FOLDER = join(ROOT, 'deploy', 'grafana', 'dashboards')

/** Files and what is in them, in the order of their names. */
export function readDashboards(folder = FOLDER): { name: string; text: string; dashboard: Dashboard }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8')
      return { name: file.replace(/\.json$/, ''), text, dashboard: JSON.parse(text) as Dashboard }
    })
}

/** Every query of a dashboard, with where it stands. */
export function queriesOf({ panels, templating, annotations }: Dashboard): { where: string; sql: string }[] {
  return [
    ...panels.flatMap(({ title, targets }) =>
      targets.map(({ refId, rawSql }) => ({ where: `panel "${title}" ${refId}`, sql: rawSql })),
    ),
    ...templating.list.flatMap(({ name, query }) =>
      typeof query === 'object' ? [{ where: `variable ${name}`, sql: query.rawSql }] : [],
    ),
    ...(annotations.list ?? []).map(({ name, target }) => ({
      where: `annotation ${name}`,
      sql: target.rawSql,
    })),
  ]
}

/** Every URL in it: of its menu, and of cells. */
export function urlsOf(dashboard: Dashboard): string[] {
  const ofCells = dashboard.panels.flatMap(({ fieldConfig }) =>
    fieldConfig.overrides.flatMap(({ properties }) =>
      properties.filter(({ id }) => id === 'links').flatMap(({ value }) => value as { url: string }[]),
    ),
  )
  return [...dashboard.links, ...ofCells].flatMap(({ url }) => (url ? [url] : []))
}
