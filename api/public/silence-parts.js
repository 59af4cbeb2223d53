import { h } from './dom.js'
import { time } from './format.js'
import { DAYS } from './silence-weekly.js'

/** What a form's fields name, as the API takes and gives it. */
export function namedBy(values) {
  const list = (name) =>
    String(values.get(name) ?? '')
      .split(/[\s,]+/)
      .filter((part) => part !== '')
  const label = String(values.get('label') ?? '').trim()
  return {
    rule: list('rule'),
    severity: list('severity'),
    asn: list('asn'),
    // A label may have blanks and commas in it.
    label: label === '' ? [] : [label],
    prefix: list('prefix'),
    site: list('site'),
    everything: values.get('everything') !== null,
  }
}

/** What a silence names, in words. */
export function namedText({ rule, severity, asn, label, prefix, site, everything }) {
  if (everything) return 'Every alert'
  const parts = [
    listed('rule', rule),
    listed('severity', severity),
    listed(
      '',
      asn.map((number) => `AS${number}`),
    ),
    listed('label', label),
    listed('', prefix),
    listed('site', site),
  ]
  return parts.filter((part) => part !== '').join(', ')
}

function listed(name, values) {
  return values.length === 0 ? '' : `${name} ${values.join(' or ')}`.trim()
}

/** From when until when, and in which hours. */
export function silenceTimes({ starts_at, ends_at, weekly, ended }) {
  const end = ended === null ? ends_at : ended.at
  const hours =
    weekly === null
      ? ''
      : `only ${weekly.days.map((day) => DAYS[day]).join(', ')} ${weekly.from} to ${weekly.to}, ${weekly.time_zone}`
  return h(
    'span',
    { class: 'lines' },
    h('span', {}, time(starts_at), ' to ', time(end)),
    hours !== '' && h('span', { class: 'muted' }, hours),
  )
}
