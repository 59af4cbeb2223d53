/** A row of the table `incidents`: its state as of `version`, and what the API and the alerts show. */
export type Incident = {
  /** Derived from stream and onset: the same minutes give the same id. */
  id: string
  /** `networks`: several that began to fail together. */
  scope: 'network' | 'prefix' | 'site' | 'world' | 'networks'
  /** `our_side`: everyone fails, so it is us. `volume`: fewer handshakes than usual, which says nothing about failures. */
  kind: 'divergence' | 'our_side' | 'volume'
  asn: number
  label: string
  prefix: string
  site: string
  state: 'open' | 'closed'
  /** Start of the first bad minute, seconds since 1970, as all times here. */
  onset: number
  opened_at: number
  /** 0 while open. */
  closed_at: number
  reopened: number
  /** Rate a healthy stream would have had over the same clients: own history, and what the rest of the world sees. */
  expected_rate: number
  /** Rate since the onset; for `volume`, the share of the usual traffic that is missing. */
  failure_rate: number
  /** Since the onset, one per client and minute; for `volume`, handshakes seen and usual ones. */
  failed: number
  decided: number
  /** Distinct clients seen and failing since the onset: lower bounds until the store has counted them. */
  clients: number
  failing_clients: number
  /** The fewest prefixes that explain 80 % of the excess, the worst first. */
  prefixes: string[]
  /** Of several networks that began to fail together: who they are. Of a network that is one of them: the shared incident's id. */
  members: string[]
  /** Evidence E: a healthy stream reaches it once in so many minutes. The highest so far. */
  evidence: number
  odds: string
  /** Excess failure share of the rest of the world, 0 when it is normal. */
  world_excess: number
  /** Filled from the store: dominant cause, its share of the excess, and what carries it. */
  cause: string
  cause_share: number
  dimension: string
  explanation: string
  /** Grows with every change: the minute of the change, so that a replay counts as the first time did. */
  version: number
  updated_at: number
}

/** What the store knows of an incident beyond the counts. Figures left out keep what the detector has. */
export type Description = {
  /** The network's name in the address database. */
  network?: string
  cause: string
  cause_share: number
  dimension: string
  clients?: number
  failing_clients?: number
}

/** How an incident ended, where it did. */
export type Ending = { byHand?: boolean }

/** The incident with cause, dimension and the sentence filled in. */
export function describedIncident(
  incident: Incident,
  description: Description,
  ending: Ending = {},
): Incident {
  const { network = '', ...facts } = description
  const described = { ...incident, ...facts }
  return { ...described, explanation: explanationOf(described, network, ending) }
}

/** Evidence in words: a healthy stream looks this bad about once in … */
export function oddsInWords(minutes: number): string {
  const years = minutes / (60 * 24 * 365.25)
  if (years >= 1e6) return 'a healthy network would look this bad less than once in a million years'
  if (years >= 1.5)
    return `a healthy network would look this bad about once in ${thousands(roundToTwo(years))} years`
  const days = minutes / (60 * 24)
  if (days >= 1.5) return `a healthy network would look this bad about once in ${roundToTwo(days)} days`
  return `a healthy network would look this bad about once in ${Math.max(1, Math.round(minutes / 60))} hours`
}

/**
 * One sentence an operator can check, e.g. "AS64500 Example Net: 41 % of clients' handshakes fail since 14:03,
 * at most 0.6 % was to be expected; 37 distinct clients in 5 prefixes; the rest of the world is normal; 92 % of the excess is mtu_inbound".
 */
export function explanationOf(incident: Incident, network: string, { byHand = false }: Ending = {}): string {
  const parts = [`${subjectOf(incident, network)}: ${findingOf(incident)}`]
  if (incident.kind === 'divergence') parts.push(clientsOf(incident), worldOf(incident))
  if (incident.scope === 'networks') parts.push('they began together, so look upstream of them')
  if (incident.kind === 'volume') parts.push(othersOf(incident))
  if (incident.kind === 'our_side') parts.push('the networks fail alike, so the fault is on our side')
  if (incident.cause !== '') parts.push(causeOf(incident))
  if (incident.scope === 'network' && incident.members.length > 0)
    parts.push(`it is part of ${incident.members[0]}`)
  else if (incident.state === 'closed')
    parts.push(`${byHand ? 'closed by hand at' : 'over since'} ${clock(incident.closed_at)}`)
  return parts.join('; ')
}

function subjectOf({ scope, asn, label, prefix, site, members }: Incident, network: string): string {
  if (scope === 'world') return 'All networks'
  if (scope === 'networks') return `${members.length} networks (${listed(members)})`
  if (scope === 'site') return `All networks at site ${site === '' ? '(unnamed)' : site}`
  const named = [asn > 0 ? `AS${asn}` : '', label !== '' ? label : network]
    .filter((part) => part !== '')
    .join(' ')
  return scope === 'prefix' ? `${prefix} of ${named}` : named
}

/** The first few, and how many more. */
function listed(members: readonly string[]): string {
  const shown = members.slice(0, LISTED)
  const more = members.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

const LISTED = 5

function findingOf(incident: Incident): string {
  const since = clock(incident.onset)
  if (incident.kind === 'volume') {
    const usual = Math.round(incident.decided)
    return `${percent(incident.failure_rate)} fewer clients than usual since ${since}: ${incident.failed} instead of about ${usual}`
  }
  const expected = `at most ${percent(incident.expected_rate)} was to be expected`
  return `${percent(incident.failure_rate)} of clients' handshakes fail since ${since}, ${expected}`
}

function clientsOf({ failing_clients, prefixes, scope }: Incident): string {
  const clients = `${failing_clients} distinct ${failing_clients === 1 ? 'client' : 'clients'}`
  if (scope !== 'network' || prefixes.length === 0) return clients
  return `${clients}; ${prefixes.length === 1 ? `${prefixes[0]} explains` : `${prefixes.length} prefixes explain`} the excess`
}

function othersOf({ world_excess }: Incident): string {
  if (world_excess < 0.15) return 'the others come as usual'
  return `the others come ${percent(world_excess)} less than usual too, which is allowed for`
}

function worldOf({ world_excess }: Incident): string {
  if (world_excess === 0) return 'the rest of the world is normal'
  return `the rest of the world fails ${percent(world_excess)} more than usual, which is allowed for`
}

function causeOf({ cause, cause_share, dimension }: Incident): string {
  const only = dimension === '' ? '' : `, ${dimension}`
  return `${percent(cause_share)} of the excess is ${cause}${only}`
}

function percent(share: number): string {
  const value = share * 100
  return `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)} %`
}

/** UTC, as every time the product prints. */
function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 16)
}

function roundToTwo(value: number): number {
  return Number(value.toPrecision(2))
}

function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}
