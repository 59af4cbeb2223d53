import { milliseconds, number, percent } from './format.js'
import { sentenceOf, subjectOf } from './incident-parts.js'
import { incidentAddress, networkAddress, silenceAddress } from './location.js'

/** What is told of an alert, while it fires and in the history. */

export const RESOLUTIONS = {
  recovered: 'Recovered',
  too_little_data: 'Too little data to tell',
  rule_removed: 'Its rule was removed or changed',
  withdrawn: 'Withdrawn: it was not so',
}

/** Whom it is about. */
export function alertSubject(alert) {
  return alert.scope === 'networks' && alert.explanation === ''
    ? 'Several networks together'
    : subjectOf({ ...alert, members: [] })
}

/** The page with its minutes: of the incident, else of the network; undefined where there is neither. */
export function alertAddress({ incident, asn, label }) {
  if (incident !== '') return incidentAddress(incident)
  return asn === 0 ? undefined : networkAddress({ asn, label: label === '' ? null : label })
}

/** What was found: in the detector's sentence, or as the rule's figure. */
export function alertSentence(alert) {
  const { kind, value, threshold } = alert
  const sentence = sentenceOf(alert)
  if (sentence !== undefined) return sentence
  const sentences = {
    success_rate: `Success rate ${percent(value)}, allowed is ${percent(threshold)}.`,
    cause_share: `The cause has ${percent(value)} of the handshakes, allowed is ${percent(threshold)}.`,
    handshake_time: `Handshakes take ${milliseconds(value)}, allowed are ${milliseconds(threshold)}.`,
    volume: `${number(value)} handshakes, the limit is ${number(threshold)}.`,
    no_data: 'No handshakes at all.',
  }
  return sentences[kind] ?? `${percent(value)} of clients' handshakes fail.`
}

/** The form for a silence of alerts like this one. */
export function silenceOf({ rule, scope, asn, label, prefix, site }) {
  if (scope === 'prefix') return silenceAddress({ rule, prefix })
  if (scope === 'site') return silenceAddress({ rule, site })
  return silenceAddress({ rule, asn: asn === 0 ? '' : `AS${asn}`, label })
}
