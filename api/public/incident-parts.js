import { h, withCode } from './dom.js'
import { counted, number, percent } from './format.js'
import { incidentAddress, networkAddress } from './location.js'

/** What is told of an incident, on its card and on its page. */

const LISTED = 8

/** What it is of; a network's name stands in its sentence. */
export function subjectOf({ scope, members, asn, label, prefix, site, explanation }) {
  const [named] = explanation.split(': ', 1)
  if (explanation.includes(': ')) return named
  if (scope === 'world') return 'All networks'
  if (scope === 'networks') return `${members.length} networks`
  if (scope === 'site') return `Site ${site}`
  return [`AS${asn}`, label, scope === 'prefix' && prefix].filter(Boolean).join(' ')
}

/** The address of its network's page; undefined when it is of no single one. */
export function networkOf({ asn, label }) {
  return asn === 0 ? undefined : networkAddress({ asn, label: label === '' ? null : label })
}

/** The sentence without the name, and without the times in UTC, which stand beside it. */
export function sentenceOf({ explanation }) {
  if (explanation === '') return undefined
  const at = explanation.indexOf(': ')
  const rest = explanation
    .slice(at < 0 ? 0 : at + 2)
    .replace(/ since \d\d:\d\d/, '')
    .replace(/; (over since|closed by hand at) \d\d:\d\d$/, '')
  return `${rest.charAt(0).toUpperCase()}${rest.slice(1)}.`
}

export function incidentFigures(incident) {
  return h(
    'dl',
    { class: 'figures' },
    figures(incident)
      .filter(Boolean)
      .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  )
}

function figures(incident) {
  const { kind, failure_rate, expected_rate, failing_clients, clients, world_excess } = incident
  const { cause, cause_share, failed, decided } = incident
  if (kind === 'volume') {
    return [
      ['missing', percent(failure_rate)],
      ['came', number(failed)],
      ['usual', number(decided)],
    ]
  }
  return [
    ['fail', percent(failure_rate)],
    ['to be expected', percent(expected_rate)],
    clients > 0 && ['clients fail', `${number(failing_clients)} of ${number(clients)}`],
    cause !== '' && ['of the excess has this cause', percent(cause_share, 0)],
    kind === 'divergence' && ['fail elsewhere beyond the usual', percent(world_excess)],
  ]
}

/** The cause, what it means and what to do; nothing while it is unknown. */
export function causeOf({ cause }, about, heading = 'h3') {
  if (cause === '') return false
  const { title, meaning, advice } = about(cause)
  return h(
    'div',
    { class: 'why' },
    h('div', {}, h(heading, {}, 'Cause: ', title, ' ', h('code', {}, cause)), h('p', {}, withCode(meaning))),
    h('div', {}, h(heading, {}, 'What to do'), h('p', {}, withCode(advice))),
  )
}

/** Which prefixes explain it. */
export function prefixesOf({ id, prefixes }, heading = 'h3') {
  const items = prefixes.map((prefix) => h('code', {}, prefix))
  return list({ title: 'Affected prefixes', heading, key: `${id}-prefixes`, items })
}

/** Who shares it; of a network that is one of several, the incident of all. */
export function membersOf({ id, scope, members }, heading = 'h3') {
  if (scope !== 'network') {
    return list({
      title: 'Networks that share it',
      heading,
      key: `${id}-members`,
      items: members.map(memberLink),
    })
  }
  return members.map((shared) =>
    h(
      'p',
      {},
      h(
        'a',
        { href: incidentAddress(shared), 'data-key': `${id}-shared` },
        'The shared incident it is part of',
      ),
    ),
  )
}

/** A member is named as AS64500, with its label where it has one. */
function memberLink(member) {
  const [, asn, label = null] = /^AS(\d+)(?: (.*))?$/.exec(member) ?? []
  if (asn === undefined) return member
  return h('a', { href: networkAddress({ asn, label }), 'data-key': `member-${member}` }, member)
}

function list({ title, heading, key, items }) {
  if (items.length === 0) return false
  const shown = (some) =>
    h(
      'ul',
      { class: 'codes' },
      some.map((item) => h('li', {}, item)),
    )
  return h(
    'div',
    {},
    h(heading, {}, title),
    shown(items.slice(0, LISTED)),
    items.length > LISTED &&
      h(
        'details',
        { 'data-key': key },
        h('summary', { 'data-key': `${key}-more` }, counted(items.length - LISTED, 'more', 'more')),
        shown(items.slice(LISTED)),
      ),
  )
}
