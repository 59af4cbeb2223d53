import { createAlertsView } from './alerts.js'
import { Refused, read } from './client.js'
import { byId, h } from './dom.js'
import { createEvents } from './events.js'
import { time } from './format.js'
import { freshness } from './freshness.js'
import { createIncidentView } from './incident.js'
import { createLive } from './live.js'
import { viewOf } from './location.js'
import { createNetworkView } from './network.js'
import { createOverview } from './overview.js'
import { createSilencesView } from './silences.js'
import { forgetToken, keptToken } from './token.js'

const VIEWS = {
  overview: createOverview,
  network: createNetworkView,
  incident: createIncidentView,
  alerts: createAlertsView,
  silences: createSilencesView,
}
const INCIDENT_CHANGES = '/v1/divergences/events'

let view
let lastGood
let lastStatus
let failing = false
/** Whether changes come by themselves; undefined until it is known, and for a view without events. */
let isLive

const events = createEvents({
  onopen() {
    isLive = true
    showState()
    // What changed between the reading and the first event; where only figures are shown the next reading has it.
    if (view?.loadChanges !== undefined) live.soon()
  },
  onevent(change) {
    if (view?.concerns?.(change) ?? true) live.soon()
  },
  onclose() {
    isLive = false
    showState()
  },
})

// After the events: it loads, and so shows, at once.
const live = createLive({ load, onfail: showTrouble })

function show({ moveFocus }) {
  const asked = viewOf(location.hash)
  if (asked === undefined && view !== undefined) return
  const { name, ...parameters } = asked ?? { name: 'overview' }
  lastGood = undefined
  lastStatus = undefined
  view?.close?.()
  view = VIEWS[name]({ ...parameters, refresh: () => live.refresh() })
  byId('view').replaceChildren(view.element)
  byId('trouble').replaceChildren()
  byId('state').replaceChildren('Loading…')
  for (const link of document.querySelectorAll('.top nav a[data-view]')) {
    link.setAttribute('aria-current', link.dataset.view === name ? 'page' : 'false')
  }
  document.title = view.title()
  isLive = undefined
  events.listenTo(view.events === undefined ? INCIDENT_CHANGES : view.events)
  if (moveFocus) {
    scrollTo(0, 0)
    focusView()
  }
}

/** The view's first heading: from there a screen reader and the tab key go on. */
function focusView() {
  byId('view').querySelector('h2').focus({ preventScroll: true })
}

/** Reads everything that the view shows, and how new it is; or only what changes of incidents can have changed. */
async function load(signal, { all }) {
  if (view === undefined) show({ moveFocus: false })
  const current = view
  if (all || current.loadChanges === undefined) {
    const status = await read('/v1/status', {}, signal)
    await current.load(signal, status)
    lastStatus = status
  } else await current.loadChanges(signal)
  lastGood = new Date()
  failing = false
  document.title = current.title()
  byId('trouble').replaceChildren()
  byId('forget').hidden = keptToken() === null
  showState()
}

function showState() {
  if (lastStatus === undefined || failing) return
  byId('state').replaceChildren(...freshness(lastStatus, { isLive, everyMs: live.everyMs }))
}

function showTrouble(error) {
  failing = true
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
