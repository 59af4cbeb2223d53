import { describe, expect, it } from 'vitest'
import { firing, resolved } from './evaluate.ts'
import { NO_FACTS } from './facts.ts'
import { messageOf } from './message.ts'
import { mailText } from './receivers/email.ts'
import { pagerDutyEvent } from './receivers/pagerduty.ts'
import { slackMessage } from './receivers/slack.ts'
import { templated } from './receivers/templates.ts'
import { DIVERGENCE, ruleOf, START } from './testing/builders.ts'

const rule = ruleOf({ id: 'any', summary: 'A network diverges.', what: DIVERGENCE, severity: 'critical' })
const alert = firing(rule, {
  id: 'a1',
  kind: 'divergence',
  scope: 'network',
  asn: 64_500,
  label: '',
  prefix: '',
  site: '',
  incident: 'i1',
  started_at: START,
  fired_at: START + 180,
  value: 0.41,
  threshold: 0.006,
  explanation: "AS64500 <Example> & Net: 41 % of clients' handshakes fail",
  minute: START,
})
const about = { id: 'key', receiver: 'r', group_key: 'g', repeated: false, created_at: START * 1_000 }
const facts = { ...NO_FACTS, network: 'Example' }
const fires = messageOf(
  { ...about, status: 'firing' },
  {
    told: [{ alert, facts, incident: undefined }],
    rule,
    places: { publicUrl: 'https://h.example.com', dashboards: undefined },
  },
)
const ended = resolved(alert, { resolved_at: START + 600, minute: START + 540, resolution: 'recovered' })
const over = messageOf(
  { ...about, status: 'resolved' },
  {
    told: [{ alert: ended, facts, incident: undefined }],
    rule,
    places: { publicUrl: undefined, dashboards: undefined },
  },
)

describe('a message', () => {
  it('to Slack has what Slack would read as markup escaped', () => {
    expect(slackMessage(fires).text).toMatch(
      /^\*CRITICAL: AS64500 Example: 41 % .*\nAS64500 &lt;Example&gt; &amp; Net/,
    )
  })

  it('to PagerDuty opens and resolves the same incident', () => {
    const [trigger, resolve] = [pagerDutyEvent(fires, 'k'), pagerDutyEvent(over, 'k')]
    expect(trigger).toMatchObject({
      routing_key: 'k',
      event_action: 'trigger',
      client_url: 'https://h.example.com/#/networks/AS64500',
      payload: { severity: 'critical', source: 'halfshake', class: 'any' },
    })
    expect(resolve).toMatchObject({ event_action: 'resolve', dedup_key: trigger.dedup_key })
  })

  it('about what is over says so, and has no links where nobody said where it is', () => {
    expect(over.title).toBe('RESOLVED: AS64500 Example: well again')
    expect(over.text).toContain('over since')
    expect(over.alerts[0]).toMatchObject({ links: {}, resolution: 'recovered' })
  })
})

describe('templates', () => {
  const templates = {
    title: '{{ status }}: {{network}}\n{{success_rate}}',
    text: '{{explanation}} <{{page}}>{{cause}} {{alerts}} {{expected_success_rate}}',
  }

  it('have their fields filled in, and nothing else', () => {
    const sly = messageOf(
      { ...about, status: 'firing' },
      {
        told: [
          { alert, facts: { ...facts, network: '{{text}}', completed: 3, failed: 1 }, incident: undefined },
        ],
        rule,
        places: { publicUrl: 'https://h.example.com', dashboards: undefined },
      },
    )
    expect(templated(sly, templates)).toMatchObject({
      title: 'firing: AS64500 {{text}} 75 %',
      text: `${alert.explanation} <https://h.example.com/#/networks/AS64500> 1 99.4 %`,
    })
    expect(templated(sly, { title: undefined, text: 'x' })).toMatchObject({ title: sly.title, text: 'x' })
  })

  it('are escaped as their receiver needs it', () => {
    const told = templated(fires, { ...templates, title: '{{network}}\r\nBcc: <x@example.com>' })
    expect(slackMessage(told).text).toBe(
      `*AS64500 Example Bcc: &lt;x@example.com&gt;*\nAS64500 &lt;Example&gt; &amp; Net: 41 % of clients' handshakes fail &lt;https://h.example.com/#/networks/AS64500&gt; 1 99.4 %`,
    )
    const mail = mailText(told, { from: 'a@example.com', to: ['b@example.com'], now: START })
    expect(mail).not.toMatch(/^Bcc/m)
  })
})
