/**
 * 10,000 rules over 10,000 networks: what a minute of them costs. One rule for each network (its success rate over five
 * minutes) and one for any; a hundredth of the networks are broken. The limit is the minute itself.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Count, MinuteCounts } from '../../alerts/counts.ts'
import { evaluateMinute, initialState, type State } from '../../alerts/evaluate.ts'
import type { Rule } from '../../alerts/rule.ts'
import { describeMachine, markdownTable, thousands } from '../machine.ts'

const NETWORKS = 10_000
const MINUTES = 60
const WARM_UP = 10
const START = 1_790_000_040
const FIVE_MINUTES = 300
const CLIENTS = 40
const BROKEN_EVERY = 100
const BREAKS_AT = 20

const rules: Rule[] = [ruleOf('any', [])]
for (let asn = 1; asn < NETWORKS; asn += 1) rules.push(ruleOf(`network-${asn}`, [asn]))

let state: State = initialState()
let window: MinuteCounts[] = []
let fired = 0
const spent: number[] = []
for (let i = 0; i < MINUTES; i += 1) {
  const minute = START + i * 60
  window = [
    ...window.slice(-(FIVE_MINUTES / 60 - 1)),
    { minute, networks: countsOf(minute, i), prefixes: [] },
  ]
  const before = process.cpuUsage()
  const step = evaluateMinute(rules, state, { minute, window, incidents: [], observed: true })
  const { user, system } = process.cpuUsage(before)
  if (i >= WARM_UP) spent.push((user + system) / 1_000)
  fired += step.changes.filter((alert) => alert.state === 'firing').length
  state = step.state
}
const table = report()
console.log(table)
await writeFile(join(import.meta.dirname, 'RESULTS.md'), table)

function ruleOf(id: string, asns: number[]): Rule {
  return {
    ...{ id, summary: '', severity: 'warning', receivers: undefined, repeat_s: 14_400, file: 'bench.yaml' },
    who: {
      ...{ any: asns.length === 0, asns, labels: [], prefixes: [], sites: [], ip_version: undefined },
      ...{ agents: [], server_names: [] },
    },
    what: { kind: 'success_rate', below: 0.9, over_s: FIVE_MINUTES },
    for_s: FIVE_MINUTES,
    minimum_handshakes: 20,
  }
}

function countsOf(minute: number, i: number): Count[] {
  return Array.from({ length: NETWORKS }, (_, asn) => {
    const failed = asn % BROKEN_EVERY === 1 && i >= BREAKS_AT ? CLIENTS / 2 : 0
    return {
      ...{ minute, asn, label: '', prefix: '', site: 'fra', ip_version: 4 },
      ...{ completed: CLIENTS - failed, failed, handshakes: CLIENTS },
      causes: failed > 0 ? { mtu_inbound: failed } : {},
    }
  })
}

function report(): string {
  const mean = spent.reduce((sum, value) => sum + value, 0) / spent.length
  const most = Math.max(...spent)
  const share = (ms: number) => `${((ms / 60_000) * 100).toFixed(2)} %`
  const row = (name: string, ms: number) => [name, ms.toFixed(0), share(ms)]
  return `# Alerts: the cost of a minute

${thousands(rules.length)} rules over ${thousands(NETWORKS)} networks, each with a row in every minute; ${fired} alerts fired. State as JSON: ${thousands(JSON.stringify(state).length)} bytes;
memory of the process ${Math.round(process.memoryUsage().rss / 1e6)} MB. Reading the counts from the store and sending messages are not in it. Measured with \`npm run bench -- alerts\` on
${describeMachine()}.

${markdownTable(['', 'CPU ms a minute', 'of one core'], [row('mean', mean), row('the worst minute', most)])}
`
}
