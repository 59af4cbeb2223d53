/** What the page's address says: #/, #/networks/AS64500?label=Office&from=-6h, #/incident/ID, #/alerts, #/silences?asn=AS64500. */

const NETWORK = /^#\/networks\/AS(\d{1,10})(?:\?(.*))?$/i
const SILENCES = /^#\/silences(?:\?(.*))?$/
const INCIDENT = /^#\/incident\/([^/?]+)$/
export const DEFAULT_RANGE = '-3h'

/** The view that an address asks for; undefined when it is none of ours. */
export function viewOf(hash) {
  if (hash === '' || hash === '#' || hash === '#/') return { name: 'overview' }
  if (hash === '#/alerts') return { name: 'alerts' }
  return incidentOf(hash) ?? networkOf(hash) ?? silencesOf(hash)
}

function silencesOf(hash) {
  const [, query = ''] = SILENCES.exec(hash) ?? []
  return SILENCES.test(hash)
    ? { name: 'silences', named: Object.fromEntries(new URLSearchParams(query)) }
    : undefined
}

function incidentOf(hash) {
  const [, id] = INCIDENT.exec(hash) ?? []
  if (id === undefined) return undefined
  try {
    return { name: 'incident', id: decodeURIComponent(id) }
  } catch {
    // A percent sign that stands for nothing.
    return undefined
  }
}

function networkOf(hash) {
  const [, asn, query = ''] = NETWORK.exec(hash) ?? []
  if (asn === undefined) return undefined
  const parameters = new URLSearchParams(query)
  return {
    name: 'network',
    asn: Number(asn),
    // Absent: the whole network. Empty: the part of it without a label.
    label: parameters.get('label'),
    from: parameters.get('from') ?? DEFAULT_RANGE,
  }
}

/** The address of a network's page. */
export function networkAddress({ asn, label = null, from = DEFAULT_RANGE }) {
  const parameters = new URLSearchParams()
  if (label !== null) parameters.set('label', label)
  if (from !== DEFAULT_RANGE) parameters.set('from', from)
  return `#/networks/AS${asn}${parameters.size === 0 ? '' : `?${parameters}`}`
}

/** The address of an incident's page. */
export function incidentAddress(id) {
  return `#/incident/${encodeURIComponent(id)}`
}

/** The address of the form for a silence of what the fields name; those that are empty are left out. */
export function silenceAddress(fields) {
  const named = Object.entries(fields).filter(([, value]) => value !== '')
  return `#/silences${named.length === 0 ? '' : `?${new URLSearchParams(named)}`}`
}
