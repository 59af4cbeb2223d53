import { read } from './client.js'

/** What names mean and which colour they have. Causes have the colours of the Grafana dashboards. */

const CAUSE_COLOURS = {
  mtu_inbound: '#d55e00',
  mtu_outbound: '#f19a5b',
  path_inbound: '#e69f00',
  path_outbound: '#f3cc79',
  reset_after_hello: '#cc79a7',
  reset_after_flight: '#e6bcd3',
  client_closed: '#6fcbb0',
  client_rejected: '#009e73',
  client_stalled: '#b2e2d4',
  server_rejected: '#0072b2',
  server_not_tls: '#56b4e9',
  hello_stopped: '#9c7a3c',
  slow: '#f0e442',
  ours: '#4b6bd6',
}
export const OTHER_COLOUR = '#8a8f98'

export function causeColour(cause) {
  return CAUSE_COLOURS[cause] ?? OTHER_COLOUR
}

let catalogue
let reading

/** The catalogue of causes as a function from name to title, meaning and advice; read once for all who ask. */
export async function readCatalogue() {
  if (catalogue === undefined) {
    reading ??= read('/v1/causes').finally(() => {
      reading = undefined
    })
    const { items } = await reading
    catalogue = new Map(items.map((item) => [item.cause, item]))
  }
  // A cause that only a newer program knows has its name and nothing else.
  return (cause) => catalogue.get(cause) ?? { cause, title: cause, meaning: '', advice: '' }
}

/** The causes that make a handshake a failed one, by title; none before the catalogue was read. */
export function failureCauses() {
  const all = catalogue === undefined ? [] : [...catalogue.values()]
  return all.filter(({ outcome }) => outcome === 'failed').sort((a, b) => a.title.localeCompare(b.title))
}

export const STAGES = {
  syn: 'Connection begun',
  connected: 'Connected',
  hello_partial: 'ClientHello begun',
  hello: 'ClientHello complete',
  server_flight: 'Server answered',
  completed: 'Completed',
}

export const HELLO_SIZES = {
  unknown: 'Not seen',
  to_500: 'Up to 500 bytes',
  to_1200: '501 to 1,200',
  to_1460: '1,201 to 1,460',
  larger: 'Over 1,460',
}

export const POST_QUANTUM = { unknown: 'Not seen', no: 'Not offered', yes: 'Offered' }

/** AS64500 Example Net (Office). */
export function networkName({ asn, network, label }) {
  const name = asn === 0 ? 'Unknown network' : `AS${asn}`
  return [name, network, label && `(${label})`].filter(Boolean).join(' ')
}
