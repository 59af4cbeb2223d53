/** Writes what Grafana imports, dashboards as JSON and alert rules as YAML: `npm run dashboards`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildRules } from './grafana-rules/provisioning.ts'
import { buildDashboard, DASHBOARDS } from './index.ts'

const grafana = join(import.meta.dirname, '..', 'deploy', 'grafana')
const folder = join(grafana, 'dashboards')
const alerting = join(grafana, 'provisioning', 'alerting')
for (const needed of [folder, alerting]) mkdirSync(needed, { recursive: true })
for (const [name, make] of Object.entries(DASHBOARDS)) {
  writeFileSync(join(folder, `${name}.json`), buildDashboard(make))
}
writeFileSync(join(alerting, 'halfshake.yaml'), buildRules())
