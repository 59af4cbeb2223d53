import { forgetToken, hasToken, Refused, read } from './client.js'
import { byId, h } from './dom.js'
import { span, time } from './format.js'
import { createLive } from './live.js'
import { viewOf } from './location.js'
import { createNetworkView } from './network.js'
import { createOverview } from './overview.js'

/** Data older than this is said to be old: agents report every few seconds. */
const OLD_MS = 120_000
const VIEWS = { overview: createOverview, network: createNetworkView }

let view
let lastGood

const live = createLive({ load, onfail: showTrouble })

function show({ moveFocus }) {
  const asked = viewOf(location.hash)
  if (asked === undefined && view !== undefined) return
  const { name, ...parameters } = asked ?? { name: 'overview' }
  lastGood = undefined
  view?.close?.()
  view = VIEWS[name]({ ...parameters, refresh: () => live.refresh() })
  byId('view').replaceChildren(view.element)
  byId('trouble').replaceChildren()
  byId('state').replaceChildren('Loading…')
  byId('to-overview').setAttribute('aria-current', name === 'overview' ? 'page' : 'false')
  document.title = view.title()
  if (moveFocus) {
    scrollTo(0, 0)
    focusView()
  }
}

/** The view's first heading: from there a screen reader and the tab key go on. */
function focusView() {
  byId('view').querySelector('h2').focus({ preventScroll: true })
}

/** Reads everything that the view shows, and how new it is. */
async function load(signal) {
  if (view === undefined) show({ moveFocus: false })
  const current = view
  const status = await read('/v1/status', {}, signal)
  await current.load(signal, status)
  lastGood = new Date()
  document.title = current.title()
  byId('trouble').replaceChildren()
  byId('state').replaceChildren(...freshness(status))
  byId('forget').hidden = !hasToken()
}

/** Data up to when, by the server's clock. */
function freshness({ now, latest_decided_at }) {
  if (latest_decided_at === null) return [h('span', { class: 'dot idle' }), 'No data yet']
  const age = Math.max(0, Date.parse(now) - Date.parse(latest_decided_at))
  const old = age > OLD_MS
  return [
    h('span', { class: old ? 'dot old' : 'dot' }),
    'Data up to ',
    time(latest_decided_at, { seconds: true }),
    old ? h('strong', { class: 'worse' }, `, ${span(age)} old`) : '',
  ]
}

function showTrouble(error) {
  const refused = error instanceof Refused
  const what = refused ? `The server refused: ${error.message}.` : 'The server cannot be reached.'
  const again = `Trying again every ${live.everyMs / 1_000} seconds.`
  const stale =
    lastGood === undefined ? [] : [' What is shown is from ', time(lastGood, { seconds: true }), '.']
  const told = h('p', { class: 'card bad' }, h('strong', {}, what), stale, ` ${again}`)
  // Told once, not with every attempt: a screen reader reads what changes here.
  if (byId('trouble').textContent !== told.textContent) byId('trouble').replaceChildren(told)
  byId('state').replaceChildren(h('span', { class: 'dot old' }), 'Not up to date')
  // What was shown stays, as it is better than nothing; where nothing was, that is said.
  if (lastGood === undefined) view?.fail(refused ? error : undefined)
}

byId('skip').addEventListener('click', (event) => {
  // The address holds the view; it is not to be overwritten.
  event.preventDefault()
  focusView()
})
byId('forget').addEventListener('click', forgetToken)
addEventListener('hashchange', () => {
  show({ moveFocus: true })
  void live.refresh()
})
