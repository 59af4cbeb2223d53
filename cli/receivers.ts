import { createAlertmanagerReceiver } from '../alerts/receivers/alertmanager.ts'
import { createEmailReceiver } from '../alerts/receivers/email.ts'
import { createPagerDutyReceiver } from '../alerts/receivers/pagerduty.ts'
import type { Receiver } from '../alerts/receivers/receiver.ts'
import { createSlackReceiver } from '../alerts/receivers/slack.ts'
import { withTemplates } from '../alerts/receivers/templates.ts'
import { createWebhookReceiver } from '../alerts/receivers/webhook.ts'
import type { Config } from '../core/runtime/config.ts'
import { fileText, optionalFileText } from './file-text.ts'
import { UserError } from './user-error.ts'

type ReceiverConfig = Config['alerts']['receivers'][number]

/** The configured receivers; their secrets are read from their files now. */
export function createReceivers({ alerts }: Config): Receiver[] {
  return alerts.receivers.map((config) => {
    if (config.type === 'alertmanager') return receiverOf(config)
    return withTemplates(receiverOf(config), { title: config.title, text: config.text })
  })
}

function receiverOf(config: ReceiverConfig): Receiver {
  const { name } = config
  const secret = (setting: string, file: string) => secretIn(`alerts.receivers: ${name}: ${setting}`, file)
  switch (config.type) {
    case 'webhook': {
      const { url, secret_file } = config
      const key = secret_file === undefined ? undefined : secret('secret_file', secret_file)
      return createWebhookReceiver({ name, url, secret: key, now: Date.now })
    }
    case 'alertmanager':
      return createAlertmanagerReceiver({ name, url: config.url, now: Date.now })
    case 'slack':
      return createSlackReceiver({ name, url: urlIn(name, secret('url_file', config.url_file)) })
    case 'pagerduty':
      return createPagerDutyReceiver({
        name,
        url: config.url,
        routingKey: secret('routing_key_file', config.routing_key_file),
      })
    case 'email': {
      const { from, to, username, password_file, tls_ca } = config
      const ca = optionalFileText(`alerts.receivers: ${name}: tls_ca`, tls_ca)
      const server = { ...config.server, ...(ca !== undefined && { ca }) }
      const login =
        username === undefined || password_file === undefined
          ? undefined
          : { username, password: secret('password_file', password_file) }
      return createEmailReceiver({ name, server, from, to, login, now: Date.now })
    }
    default:
      return config satisfies never
  }
}

/** The newline that editors put at a file's end is no part of a secret. */
function secretIn(setting: string, file: string): string {
  const text = fileText(setting, file).trim()
  if (text === '') throw new UserError(`${setting} is ${file}, which is empty`)
  return text
}

/** The address itself is the secret: it is not printed, not even a wrong one. */
function urlIn(name: string, text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text
  throw new UserError(
    `alerts.receivers: ${name}: url_file does not hold an address; allowed: one line, https://…`,
  )
}
