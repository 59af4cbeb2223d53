import { forgetToken, hasToken, Refused, read } from './client.js'
import { byId, h } from './dom.js'
import { incidentCard } from './incidents.js'
import { createNetworksTable } from './networks.js'

const REFRESH_MS = 15_000

const table = createNetworksTable({ onchange: () => refresh() })
let running
let lastGood

/** Reads everything anew; a request under way is given up for it. */
async function refresh() {
  running?.abort()
  const current = new AbortController()
  running = current
  try {
    const [divergences, status] = await Promise.all([
      read('/v1/divergences', {}, current.signal),
      read('/v1/status', {}, current.signal),
      table.load(current.signal),
    ])
    showDivergences(divergences.items, status)
    showState(status)
    byId('trouble').hidden = true
  } catch (error) {
    if (current.signal.aborted) return
    showTrouble(error)
  }
  byId('forget').hidden = !hasToken()
}

function showDivergences(incidents, { stored, agents }) {
  const list = byId('divergences-list')
  if (incidents.length > 0) {
    list.replaceChildren(...incidents.map(incidentCard))
  } else if (stored.raw === 0 && stored.hours === 0) {
    list.replaceChildren(
      h(
        'p',
        { class: 'card' },
        agents.length === 0
          ? 'No handshake was reported yet. Point an agent at this server; POST /v1/events on the API page says how events come in.'
          : 'Agents report, but no handshake was decided yet.',
      ),
    )
  } else {
    list.replaceChildren(
      h(
        'p',
        { class: 'card' },
        'Nothing diverges: no network does worse than it used to and worse than the others.',
      ),
    )
  }
  document.title = incidents.length === 0 ? 'Halfshake' : `(${incidents.length}) Halfshake`
}

function showState({ now, latest_received_at, agents }) {
  lastGood = new Date()
  const recent = agents.filter(({ last_seen }) => Date.parse(now) - Date.parse(last_seen) < 300_000).length
  const reporting = `${recent} ${recent === 1 ? 'agent' : 'agents'} in the last 5 minutes`
  const newest =
    latest_received_at === null ? 'nothing received yet' : `last batch ${clock(latest_received_at)}`
  byId('state').textContent = `${reporting}, ${newest}, read ${clock(lastGood)}`
}

function showTrouble(error) {
  const trouble = byId('trouble')
  const stale = lastGood === undefined ? '' : ` What is shown is from ${clock(lastGood)}.`
  const what =
    error instanceof Refused ? `The server refused: ${error.message}.` : 'The server cannot be reached.'
  trouble.textContent = `${what}${stale} Trying again every ${REFRESH_MS / 1_000} seconds.`
  trouble.hidden = false
  byId('state').textContent = 'Not up to date'
  if (lastGood !== undefined) return
  byId('divergences-list').replaceChildren(h('p', { class: 'muted' }, 'Not known.'))
  table.clear('Not known.')
}

function clock(time) {
  return new Date(time).toLocaleTimeString()
}

byId('forget').addEventListener('click', forgetToken)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh()
})
setInterval(() => {
  if (!document.hidden && !byId('token-dialog').open) void refresh()
}, REFRESH_MS)
void refresh()
