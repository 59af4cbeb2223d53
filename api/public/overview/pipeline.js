import { h } from '../parts/dom.js'
import { counted, number, span, time } from '../parts/format.js'

const RECENT_MS = 300_000

/** What the process says of itself: 503 is an answer too. */
export async function readReadiness(signal) {
  const response = await fetch('/readyz', { signal })
  return response.json()
}

/** Whether events come in and are judged: the process's own checks, what is stored, who reports. */
export function pipelineHealth({ now, stored, latest_received_at, agents }, { status, checks }) {
  const age = (moment) => Date.parse(now) - Date.parse(moment)
  const recent = agents.filter(({ last_seen }) => age(last_seen) < RECENT_MS)
  const silent = agents.length - recent.length
  const missing = checks.filter(({ ready }) => !ready)
  const ready = status === 'ready'
  return [
    h(
      'p',
      { class: 'figure' },
      h('strong', { class: !ready && 'worse' }, ready ? 'Ready' : 'Not ready'),
      ready ? ` ${checks.map(({ name }) => name.replaceAll('_', ' ')).join(', ')}` : '',
    ),
    missing.map(({ name, reason }) => h('p', { class: 'worse' }, `${name.replaceAll('_', ' ')}: ${reason}`)),
    h(
      'dl',
      { class: 'figures' },
      fact(
        'last batch',
        latest_received_at === null ? 'none yet' : time(latest_received_at, { seconds: true }),
      ),
      fact(
        'agents reporting',
        silent === 0 ? number(recent.length) : `${recent.length} of ${agents.length}`,
        silent > 0,
      ),
      fact('stored singly', number(stored.raw)),
      fact('networks', number(stored.networks)),
      fact('lines refused', number(stored.dead_letters), stored.dead_letters > 0),
    ),
    agents.length > 0 && agentsList(agents, age),
  ]
}

function fact(name, value, worse = false) {
  return h('div', {}, h('dt', {}, name), h('dd', { class: worse && 'worse' }, value))
}

function agentsList(agents, age) {
  return h(
    'details',
    { 'data-key': 'agents' },
    h('summary', { 'data-key': 'agents-summary' }, counted(agents.length, 'agent')),
    h(
      'ul',
      { class: 'plain' },
      agents.map(({ agent, last_seen, handshakes, rejected }) =>
        h(
          'li',
          {},
          h('code', {}, agent),
          ` ${span(age(last_seen))} ago, ${counted(handshakes, 'handshake')}`,
          rejected > 0 && h('span', { class: 'worse' }, `, ${counted(rejected, 'line')} refused`),
        ),
      ),
    ),
  )
}
