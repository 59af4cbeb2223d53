import { describe, expect, it } from 'vitest'
import { CAUSE_COLORS } from './common/colors.ts'
import { TAG, UIDS } from './common/uids.ts'
import { buildDashboard, DASHBOARDS } from './index.ts'
import { type Dashboard, queriesOf, readDashboards, urlsOf } from './testing/model.ts'

const files = readDashboards()
const dashboards = files.map(({ name, dashboard }): [string, Dashboard] => [name, dashboard])
const panels = dashboards.flatMap(([name, { panels }]) =>
  panels.map((panel) => [`${name}: ${panel.title}`, panel] as const),
)

/** Tables of the store that dashboards read; all but the last are rollups or small. */
const TABLES =
  /^((minutes|hours)_by_(network|prefix)|minutes_by_site|networks_by_hour|failed_clients_by_minute|incidents|alerts|notifications|notification_attempts|silences|batches|dead_letters|system\.tables|handshakes)$/
const RAW = 'Latest failed handshakes'
/** What Grafana fills in by itself. */
const GRAFANA_VARIABLES = /^__/

describe('the committed JSON', () => {
  it('is what the code builds: run "npm run dashboards" when this fails', () => {
    expect(files.map(({ name }) => name)).toEqual(Object.keys(DASHBOARDS).sort())
    for (const { name, dashboard } of files) {
      const make = DASHBOARDS[name]
      expect([name, make && JSON.parse(buildDashboard(make))]).toEqual([name, dashboard])
    }
  })

  it.each(dashboards)('%s is of the classic schema, which file provisioning takes', (_, dashboard) => {
    expect(dashboard.schemaVersion).toBe(42)
    expect(dashboard).not.toHaveProperty('spec')
    expect(dashboard).not.toHaveProperty('id')
    expect(dashboard.tags).toContain(TAG)
    expect(dashboard.time.to).toBe('now')
    expect(dashboard.description).toMatch(/[.?]$/)
  })

  it('keeps the addresses that links and bookmarks hold', () => {
    const ids = Object.fromEntries(
      dashboards.map(([, { uid, panels: all }]) => [uid, all.map(({ id }) => id).sort((a, b) => a - b)]),
    )
    const to = (last: number) => Array.from({ length: last }, (_, at) => at + 1)
    expect(ids).toEqual({
      [UIDS.overview]: to(10),
      [UIDS.network]: to(16),
      [UIDS.causes]: to(5),
      [UIDS.alerts]: to(12),
      [UIDS.pipeline]: to(11),
    })
  })
})

describe('panels', () => {
  it.each(panels)('%s says what it is and how to read it', (_, panel) => {
    expect(panel.title).not.toBe('')
    expect(panel.description).toMatch(/\.$/)
    expect(panel.description.length).toBeGreaterThan(60)
    expect(panel.fieldConfig.defaults.unit).toBeTruthy()
    expect(panel.fieldConfig.defaults.thresholds?.steps[0]?.value).toBeNull()
    if (panel.type === 'timeseries') expect(panel.options.legend?.showLegend).toBe(true)
  })

  it.each(panels)('%s asks the data source that is chosen, each query by a name of its own', (_, panel) => {
    const refIds = panel.targets.map(({ refId }) => refId)
    expect(refIds).toEqual(['A', 'B', 'C'].slice(0, refIds.length))
    for (const { datasource, format, queryType } of [panel, ...panel.targets] as typeof panel.targets) {
      expect(datasource).toEqual({
        type: 'grafana-clickhouse-datasource',
        uid: ['$', '{datasource}'].join(''),
      })
      const series = panel.type === 'timeseries'
      if (format !== undefined) expect([format, queryType]).toEqual(series ? [0, 'timeseries'] : [1, 'table'])
    }
  })

  it.each(dashboards)('of %s lie within the grid and not on one another', (_, dashboard) => {
    const taken = new Map<string, string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect([title, gridPos.w > 0 && gridPos.h > 0 && gridPos.x + gridPos.w <= 24]).toEqual([title, true])
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, taken.get(`${x} ${y}`)]).toEqual([title, undefined])
          taken.set(`${x} ${y}`, title)
        }
      }
    }
  })
})

describe('colours', () => {
  it('mean the same on every dashboard', () => {
    const meaning = new Map<string, unknown>()
    for (const [, { fieldConfig }] of panels) {
      for (const { matcher, properties } of fieldConfig.overrides) {
        const color = properties.find(({ id, value }) => id === 'color' && isFixed(value))?.value
        if (color === undefined || properties.some(({ id }) => id === 'unit')) continue
        expect([matcher.options, meaning.get(matcher.options) ?? color]).toEqual([matcher.options, color])
        meaning.set(matcher.options, color)
      }
    }
    expect(meaning.size).toBeGreaterThan(Object.keys(CAUSE_COLORS).length)
    expect(new Set(Object.values(CAUSE_COLORS)).size).toBeGreaterThan(20)
  })
})

describe('variables and links', () => {
  it.each(dashboards)(
    '%s uses only variables that it has, and has only those that it uses',
    (_, dashboard) => {
      const names = dashboard.templating.list.map(({ name }) => name)
      const texts = [...queriesOf(dashboard).map(({ sql }) => sql), ...urlsOf(dashboard)]
      const used = new Set(texts.flatMap(variablesIn))
      expect(new Set(names).size).toBe(names.length)
      expect([...used].filter((name) => !names.includes(name))).toEqual([])
      expect(names.filter((name) => !used.has(name) && name !== 'datasource')).toEqual([])
      for (const { name, label, description, type, current } of dashboard.templating.list) {
        expect([name, label !== '' && description.endsWith('.')]).toEqual([name, true])
        // What a network is asked for first is up to its own list; all others begin with a value.
        if (type !== 'query' || name !== 'asn') expect([name, current]).toEqual([name, expect.anything()])
      }
    },
  )

  it.each(dashboards)('%s links to dashboards and variables that exist', (_, dashboard) => {
    const byUid = new Map(dashboards.map(([, other]) => [other.uid, other]))
    for (const url of urlsOf(dashboard)) {
      const [, uid] = /^\/d\/([\w-]+)/.exec(url) ?? []
      if (uid === undefined) {
        expect(url).toMatch(/^\$\{api:raw\}\//)
        continue
      }
      const target = byUid.get(uid)
      expect([url, target?.uid]).toEqual([url, uid])
      const variables = target?.templating.list.map(({ name }) => name) ?? []
      const given = [
        ...[...url.matchAll(/var-(\w+)=/g)].map(([, name = '']) => name),
        ...[...url.matchAll(/\$\{(\w+):queryparam\}/g)].map(([, name = '']) => name),
      ]
      expect([url, given.filter((name) => !variables.includes(name))]).toEqual([url, []])
      expect(url).toContain('__url_time_range')
    }
    expect(JSON.stringify(dashboard)).not.toContain('inControlsMenu')
    const menu = dashboard.links.find(({ type }) => type === 'dashboards')
    expect(menu?.tags).toEqual([TAG])
  })

  it('lead to every dashboard from every other, and to the network from each list of networks', () => {
    for (const [name, { fieldConfig, targets }] of panels) {
      const columns = fieldConfig.overrides.map(({ matcher }) => matcher.options)
      if (!columns.includes('asn')) continue
      expect([name, JSON.stringify(fieldConfig).includes(`/d/${UIDS.network}?`)]).toEqual([name, true])
      expect(targets).toHaveLength(1)
    }
  })
})

describe('queries', () => {
  const queries = dashboards.flatMap(([name, dashboard]) =>
    queriesOf(dashboard).map(({ where, sql }) => [`${name}, ${where}`, sql] as const),
  )

  it.each(queries)(
    '%s reads known tables, of whatever database, and the raw one only for single handshakes',
    (where, sql) => {
      const tables = [...sql.matchAll(/\b(?:FROM|(?<!ARRAY )JOIN)\s+([\w.]+)/g)].map(
        ([, table = '']) => table,
      )
      expect(tables.length).toBeGreaterThan(0)
      for (const table of tables) expect(table).toMatch(TABLES)
      if (!tables.includes('handshakes')) return
      expect(where).toContain(RAW)
      expect(sql).toMatch(/decided_at >= .*\n.*decided_at <= .*\nORDER BY decided_at DESC\nLIMIT \d\d$/)
    },
  )
})

function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$\{?(\w+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !GRAFANA_VARIABLES.test(name))
}

function isFixed(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'fixedColor' in value
}
