import { MINUTE, type MinuteCount } from './count.ts'

/** What was wrong in a line of counts. */
export class CountsMistake extends Error {
  override readonly name = 'CountsMistake'
}

const COLUMNS = ['minute', 'network', 'prefix', 'site', 'n', 'k', 'clients'] as const
type Column = (typeof COLUMNS)[number]

/**
 * Counts as CSV with a header line: `minute` (ISO 8601, or seconds since 1970), `network` (AS64500, or any name),
 * `prefix` (empty for the network as a whole), `site`, `n` handshakes decided, `k` of them failed, `clients` of which
 * they came (empty: as many as handshakes). The order of the columns is free; no value may hold a comma.
 * @throws CountsMistake naming line, field and what is allowed.
 */
export function parseCounts(text: string): MinuteCount[] {
  const [header = '', ...lines] = text.split(/\r?\n/)
  const places = header.split(',').map((name) => name.trim())
  const missing = COLUMNS.filter((name) => !places.includes(name))
  const unknown = places.filter((name) => !COLUMNS.some((known) => known === name))
  if (missing.length > 0 || unknown.length > 0) {
    const wrong = missing.length > 0 ? `lacks ${missing.join(', ')}` : `has ${unknown.join(', ')}`
    throw new CountsMistake(`line 1: the header ${wrong}; the columns are ${COLUMNS.join(', ')}`)
  }
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, i + 2, places)]))
}

function parseLine(line: string, number: number, places: readonly string[]): MinuteCount {
  const cells = line.split(',').map((cell) => cell.trim())
  if (cells.length !== places.length) {
    throw new CountsMistake(`line ${number}: ${cells.length} values instead of ${places.length}`)
  }
  const value = (name: Column) => cells[places.indexOf(name)] ?? ''
  const refuse = (name: Column, allowed: string): never => {
    throw new CountsMistake(`line ${number}: ${name} is ${JSON.stringify(value(name))}; allowed: ${allowed}`)
  }
  const whole = (name: Column): number => {
    const text = value(name)
    return /^\d{1,12}$/.test(text) ? Number(text) : refuse(name, 'a whole number')
  }
  const n = whole('n')
  const k = whole('k')
  if (k > n) refuse('k', `at most n, which is ${n}`)
  const clients = value('clients') === '' ? n : whole('clients')
  if (clients > n) refuse('clients', `at most n, which is ${n}`)
  const network = value('network')
  if (network === '') refuse('network', 'AS and a number, or a name')
  const [, asn] = /^(?:AS)?(\d{1,10})$/i.exec(network) ?? []
  const prefix = value('prefix')
  return {
    minute:
      minuteOf(value('minute')) ?? refuse('minute', 'a time as 2026-11-20T14:03:00Z, or seconds since 1970'),
    asn: asn === undefined ? 0 : Number(asn),
    label: asn === undefined ? network : '',
    prefix,
    site: value('site'),
    ip_version: prefix.includes(':') ? 6 : 4,
    completed: n - k,
    failed: k,
    clients,
    failed_clients: Math.min(k, clients),
    worst_client: '',
    worst_client_failed: 0,
  }
}

function minuteOf(text: string): number | undefined {
  const seconds = /^\d{9,11}$/.test(text) ? Number(text) : Date.parse(text) / 1_000
  return Number.isFinite(seconds) ? Math.floor(seconds / MINUTE) * MINUTE : undefined
}
