import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT, readDashboards } from './testing/model.ts'

type Compose = {
  services: {
    grafana: { environment: Record<string, string>; configs: { source: string; target: string }[] }
  }
  configs: Record<string, { file: string }>
}
type Providers = { providers: { type: string; folder: string; options: { path: string } }[] }
type Datasources = { datasources: { uid: string; type: string; jsonData: { defaultDatabase: string } }[] }

const read = <T>(path: string): T => parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true }) as T
const compose = read<Compose>('docker-compose.yml')
const { grafana } = compose.services
/** Files within the container, by the file of ours that is mounted there. */
const mounted = new Map(
  grafana.configs.map(({ source, target }) => [compose.configs[source]?.file ?? '', target]),
)
const [provider] = read<Providers>('deploy/grafana/dashboards.yaml').providers
const [datasource] = read<Datasources>('deploy/grafana/datasources.yaml').datasources

describe('the Grafana of docker-compose.yml', () => {
  it('finds every dashboard in the folder that its provider looks into', () => {
    expect(mounted.get('deploy/grafana/dashboards.yaml')).toMatch(
      /^\/etc\/grafana\/provisioning\/dashboards\//,
    )
    expect(provider).toMatchObject({ type: 'file', folder: 'Halfshake' })
    for (const { name } of readDashboards()) {
      const file = `deploy/grafana/dashboards/${name}.json`
      expect([file, mounted.get(file)]).toEqual([file, `${provider?.options.path}/${name}.json`])
    }
  })

  it('begins with a dashboard that is there', () => {
    const home = grafana.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']
    expect([...mounted.values()]).toContain(home)
  })

  it('has the data source that the dashboards begin with, and the plugin they are written for', () => {
    const plugin = grafana.environment['GF_PLUGINS_PREINSTALL_SYNC']
    for (const { dashboard } of readDashboards()) {
      const chosen = dashboard.templating.list.find(({ name }) => name === 'datasource')
      expect(chosen?.current?.value).toBe(datasource?.uid)
      expect(chosen?.query).toBe(datasource?.type)
      for (const { targets } of dashboard.panels) {
        for (const { pluginVersion } of targets) expect(plugin).toBe(`${datasource?.type}@${pluginVersion}`)
      }
    }
  })
})

describe('docs/dashboards.md', () => {
  it('mounts the alert rules where Grafana looks for them, from a file that is there', () => {
    const [, snippet = ''] = /```yaml\n(services:[^`]*)```/.exec(text) ?? []
    const { services, configs } = parse(snippet) as Compose
    const [rules] = services.grafana.configs
    expect(rules?.target).toMatch(/^\/etc\/grafana\/provisioning\/alerting\/\w+\.yaml$/)
    const { file = '' } = configs[rules?.source ?? ''] ?? {}
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain('groups:')
  })

  const text = readFileSync(join(ROOT, 'docs', 'dashboards.md'), 'utf8')

  it('names every dashboard, panel and variable', () => {
    for (const { dashboard } of readDashboards()) {
      const names = [
        dashboard.title.replace('Halfshake / ', ''),
        ...dashboard.panels.map(({ title }) => title),
        ...dashboard.templating.list.map(({ label }) => label),
      ]
      for (const name of names) expect([name, text.includes(name)]).toEqual([name, true])
    }
  })
})
