import { nearest } from './nearest.ts'

/** What a template of a message can name, and what each stands for; of several alerts the worst is meant. */
export const TEMPLATE_FIELDS = {
  title: 'the title without a template',
  text: 'the text without a template',
  status: 'firing or resolved',
  severity: 'critical, warning or info',
  rule: "the rule's id",
  summary: "the rule's summary",
  network: 'whom it is about, as AS64500 Example Net',
  explanation: 'what was seen, in a sentence',
  alerts: 'how many alerts the message is about',
  success_rate: 'since it began, as 72 %',
  expected_success_rate: 'what at least was to be expected; empty for thresholds',
  handshakes: 'completed and failed ones since it began',
  failed: 'failed ones since it began',
  failing_prefixes: 'distinct prefixes in which handshakes failed',
  failing_clients: 'distinct clients whose handshakes failed',
  cause: 'name of the main cause, as mtu_inbound; empty where nothing failed',
  cause_title: 'the main cause in words',
  evidence: 'what the cause rests on',
  advice: 'what to do',
  started_at: 'the first bad minute, ISO 8601',
  resolved_at: 'when it was over; empty while it fires',
  page: 'link to the console',
  dashboard: 'link to Grafana',
  api: 'link to the API',
} as const

export type TemplateField = keyof typeof TEMPLATE_FIELDS

const FIELD = /\{\{\s*([^{}]*?)\s*\}\}/g

/** Puts values in place of `{{field}}`. What a value contains is never taken for a field. */
export function fillTemplate(template: string, values: Record<TemplateField, string>): string {
  return template.replace(FIELD, (written, name: string) => (isField(name) ? values[name] : written))
}

/** What is allowed instead, where a template is wrong; undefined where it is right. */
export function templateMistake(template: string): string | undefined {
  const names = Object.keys(TEMPLATE_FIELDS)
  const wrong = [...template.matchAll(FIELD)].map(([, name = '']) => name).find((name) => !isField(name))
  if (wrong !== undefined) {
    const near = nearest(wrong, names)
    const meant = near === undefined ? '' : `did you mean {{${near}}}? `
    return `${meant}text with fields in double braces, of ${names.join(', ')}`
  }
  const rest = template.replace(FIELD, '')
  return rest.includes('{{') || rest.includes('}}') ? 'braces in pairs, as {{network}}' : undefined
}

function isField(name: string): name is TemplateField {
  return Object.hasOwn(TEMPLATE_FIELDS, name)
}
