import { fillTemplate, type TemplateField } from '../../core/runtime/message-template.ts'
import type { Message } from '../message.ts'
import { subjectOf } from '../words.ts'
import type { Receiver } from './receiver.ts'

export type Templates = { title: string | undefined; text: string | undefined }

/** The receiver, with title and text as the templates have them; what must be escaped, the receiver escapes. */
export function withTemplates(receiver: Receiver, templates: Templates): Receiver {
  if (templates.title === undefined && templates.text === undefined) return receiver
  return { ...receiver, send: (message) => receiver.send(templated(message, templates)) }
}

export function templated(message: Message, { title, text }: Templates): Message {
  const values = valuesOf(message)
  return {
    ...message,
    // One line: it becomes a subject.
    title: title === undefined ? message.title : fillTemplate(title, values).replace(/\s+/g, ' ').trim(),
    text: text === undefined ? message.text : fillTemplate(text, values),
  }
}

function valuesOf({
  title,
  text,
  status,
  rule,
  alerts,
  more_alerts,
}: Message): Record<TemplateField, string> {
  const [worst] = alerts
  const decided = (worst?.completed ?? 0) + (worst?.failed ?? 0)
  return {
    ...{ title, text, status, severity: rule.severity, rule: rule.id, summary: rule.summary },
    network: worst === undefined ? '' : subjectOf(worst),
    explanation: worst?.explanation ?? '',
    alerts: String(alerts.length + more_alerts),
    success_rate: percent(worst?.success_rate ?? null),
    expected_success_rate: percent(
      worst?.expected_failure_rate == null ? null : 1 - worst.expected_failure_rate,
    ),
    handshakes: String(decided),
    failed: String(worst?.failed ?? 0),
    failing_prefixes: String(worst?.failing_prefixes ?? 0),
    failing_clients: String(worst?.failing_clients ?? 0),
    cause: worst?.cause?.name ?? '',
    cause_title: worst?.cause?.title ?? '',
    evidence: worst?.cause?.evidence ?? '',
    advice: worst?.cause?.advice ?? '',
    started_at: worst?.started_at ?? '',
    resolved_at: worst?.resolved_at ?? '',
    page: worst?.links['page'] ?? '',
    dashboard: worst?.links['dashboard'] ?? '',
    api: worst?.links['network'] ?? worst?.links['incident'] ?? '',
  }
}

function percent(share: number | null): string {
  return share === null ? '' : `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`
}
