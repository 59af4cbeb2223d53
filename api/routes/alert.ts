import { z } from 'zod'
import type { AlertRow } from '../queries/alerts.ts'
import { count, time } from '../schemas.ts'
import { iso } from '../window.ts'

export const alertSchema = z
  .strictObject({
    id: z.string().describe('The same in messages and history.'),
    rule: z.string().describe('Id of the rule.'),
    severity: z.enum(['critical', 'warning', 'info']),
    state: z.enum(['firing', 'resolved']),
    kind: z
      .enum(['divergence', 'our_side', 'success_rate', 'cause_share', 'handshake_time', 'volume', 'no_data'])
      .describe('What the rule looks at; `our_side` for an incident in which everyone fails.'),
    scope: z
      .enum(['network', 'prefix', 'site', 'world', 'networks'])
      .describe('What it is about; `world` is all networks, `networks` several that began to fail together.'),
    asn: count('AS number; 0 where it is about no single network.'),
    label: z.string(),
    prefix: z.string().describe('With scope `prefix`, else empty.'),
    site: z.string(),
    incident: z.string().describe("Id of the detector's incident; empty for thresholds."),
    started_at: time('Start of the first bad minute.'),
    fired_at: time('When the rule was met for long enough.'),
    resolved_at: time('When it was over; null while it fires.').nullable(),
    resolution: z
      .enum(['', 'recovered', 'too_little_data', 'rule_removed', 'withdrawn'])
      .describe('Why it is over; empty while it fires.'),
    value: z
      .number()
      .describe(
        'What was seen at the last change: a share, handshakes for `volume`, milliseconds for `handshake_time`.',
      ),
    threshold: z
      .number()
      .describe('What the rule allows; for a divergence the failure rate that at most was to be expected.'),
    explanation: z.string().describe('In a sentence, where the detector gave one.'),
    receivers: z.array(z.string()).describe('Receivers that the rule names; empty for all.'),
  })
  .meta({ id: 'Alert', description: 'That a rule was met, and by whom.' })

export function alertItem(alert: AlertRow): z.output<typeof alertSchema> {
  return {
    ...alert,
    started_at: iso(alert.started_at * 1_000),
    fired_at: iso(alert.fired_at * 1_000),
    resolved_at: alert.resolved_at === 0 ? null : iso(alert.resolved_at * 1_000),
  }
}
