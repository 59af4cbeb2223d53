import { h, withCode } from './dom.js'
import { counted, number, percent, span, time } from './format.js'
import { networkAddress } from './location.js'

const PREFIXES = 8

/** An open incident as a card: the sentence first, then what it rests on, why it is, and what to do. */
export function incidentCard(incident, about, { link = true } = {}) {
  const { explanation, onset, odds, cause, prefixes, members, id } = incident
  const { title, meaning, advice } = about(cause)
  return h(
    'article',
    { class: 'card bad incident' },
    h('h3', {}, link ? linked(incident) : 'Diverges now'),
    h(
      'p',
      { class: 'since' },
      'Since ',
      time(onset),
      ` (${span(Date.now() - Date.parse(onset))})`,
      odds === '' ? '' : `; ${odds}`,
    ),
    explanation !== '' && h('p', { class: 'sentence' }, `${withoutSubject(explanation)}.`),
    figures(incident),
    cause !== '' &&
      h(
        'div',
        { class: 'why' },
        h('div', {}, h('h4', {}, 'Cause: ', title, ' ', h('code', {}, cause)), h('p', {}, withCode(meaning))),
        h('div', {}, h('h4', {}, 'What to do'), h('p', {}, withCode(advice))),
      ),
    list('Affected prefixes', `${id}-prefixes`, prefixes),
    list('Networks that share it', `${id}-members`, members),
  )
}

function figures({
  kind,
  failure_rate,
  expected_rate,
  failing_clients,
  clients,
  cause_share,
  cause,
  world_excess,
}) {
  const shown = [
    [kind === 'volume' ? 'missing' : 'fail', percent(failure_rate)],
    kind === 'volume' ? undefined : ['to be expected', percent(expected_rate)],
    kind === 'volume' ? undefined : ['clients fail', `${number(failing_clients)} of ${number(clients)}`],
    cause === '' ? undefined : ['of the excess has this cause', percent(cause_share, 0)],
    kind === 'divergence' ? ['fail elsewhere beyond the usual', percent(world_excess)] : undefined,
  ].filter((figure) => figure !== undefined)
  return h(
    'dl',
    { class: 'figures' },
    shown.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  )
}

function list(title, key, items) {
  if (items.length === 0) return false
  const codes = (some) =>
    h(
      'ul',
      { class: 'codes' },
      some.map((item) => h('li', {}, h('code', {}, item))),
    )
  if (items.length <= PREFIXES) return [h('h4', {}, title), codes(items)]
  return [
    h('h4', {}, title),
    codes(items.slice(0, PREFIXES)),
    h(
      'details',
      { 'data-key': key },
      h('summary', { 'data-key': `${key}-more` }, `${counted(items.length - PREFIXES, 'more', 'more')}`),
      codes(items.slice(PREFIXES)),
    ),
  ]
}

function linked(incident) {
  const { asn, label } = incident
  const text = subject(incident)
  const address = networkAddress({ asn, label: label === '' ? null : label })
  return asn === 0 ? text : h('a', { href: address, 'data-key': `incident-${incident.id}` }, text)
}

/** What the incident is of; the network's name stands in its sentence. */
function subject({ scope, members, asn, label, prefix, site, explanation }) {
  const [named] = explanation.split(': ', 1)
  if (explanation.includes(': ')) return named
  if (scope === 'world') return 'All networks'
  if (scope === 'networks') return `${members.length} networks`
  if (scope === 'site') return `Site ${site}`
  return [`AS${asn}`, label, scope === 'prefix' && prefix].filter(Boolean).join(' ')
}

/** The sentence without the name and the onset, in UTC, that stand above it. */
function withoutSubject(explanation) {
  const at = explanation.indexOf(': ')
  const rest = explanation.slice(at < 0 ? 0 : at + 2).replace(/ since \d\d:\d\d/, '')
  return rest.charAt(0).toUpperCase() + rest.slice(1)
}
