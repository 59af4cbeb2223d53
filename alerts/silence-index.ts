import { createAround } from './prefix-index.ts'
import { type Matched, type OpenSilence, openSilence, type Silence } from './silence.ts'

/** Of many silences those that name an alert, without asking each: thousands of alerts may fire, and hundreds of silences hold. */
export function createSilenceIndex(silences: readonly Silence[]): (alert: Matched) => OpenSilence[] {
  const byPrefix: { prefix: string; silence: OpenSilence }[] = []
  const byKey = new Map<string, OpenSilence[]>()
  for (const silence of silences) {
    const opened = openSilence(silence)
    for (const prefix of silence.prefixes) byPrefix.push({ prefix, silence: opened })
    if (silence.prefixes.length > 0) continue
    for (const key of keysOf(silence)) byKey.set(key, [...(byKey.get(key) ?? []), opened])
  }
  const around = createAround(byPrefix)
  return (alert) => {
    const { asn, label, rule, site, severity, prefix } = alert
    const keys = [`asn ${asn}`, `label ${label}`, `rule ${rule}`, `site ${site}`, `severity ${severity}`, ANY]
    const found = [
      ...around(prefix).map(({ silence }) => silence),
      ...keys.flatMap((key) => byKey.get(key) ?? []),
    ]
    return [...new Set(found)].filter(({ matches }) => matches(alert))
  }
}

const ANY = ''

/** By one of its lists, that which tells most; all that it names have one of these keys. */
function keysOf({ asns, labels, rules, sites, severities }: Silence): string[] {
  if (asns.length > 0) return asns.map((asn) => `asn ${asn}`)
  if (labels.length > 0) return labels.map((label) => `label ${label}`)
  if (rules.length > 0) return rules.map((rule) => `rule ${rule}`)
  if (sites.length > 0) return sites.map((site) => `site ${site}`)
  return severities.length > 0 ? severities.map((severity) => `severity ${severity}`) : [ANY]
}
