/** Writes the JSON that Grafana imports: `npm run dashboards`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDashboard, DASHBOARDS } from './index.ts'

const folder = join(import.meta.dirname, '..', 'deploy', 'grafana', 'dashboards')
mkdirSync(folder, { recursive: true })
for (const [name, make] of Object.entries(DASHBOARDS)) {
  writeFileSync(join(folder, `${name}.json`), buildDashboard(make))
}
