import { z } from 'zod'
import { templateMistake } from './message-template.ts'

/**
 * Where alerts can be sent. Secrets stand in files only: what is in the configuration is printed by `config show` and may
 * be in a repository.
 */

const NAME = 'up to 63 lowercase letters, digits and -, as ops-webhook'
const name = z.string(NAME).regex(/^[a-z0-9][a-z0-9-]{0,62}$/, NAME)

/** Their own title and text, of fields in double braces: docs/alerts.md. */
const templates = { title: template().optional(), text: template().optional() }

const FILE = 'the path of a file that holds the secret'
const secretFile = z.string(FILE).min(1, FILE)

const MAILBOX = 'a mail address, as halfshake@example.com'
const mailbox = z.string(MAILBOX).regex(/^[^\s@<>"(),:;\\]+@[A-Za-z0-9.-]+$/, MAILBOX)

export const receiverSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      name,
      type: z.literal('webhook'),
      url: httpUrl(),
      secret_file: secretFile.optional(),
      ...templates,
    }),
    z.strictObject({ name, type: z.literal('alertmanager'), url: httpUrl() }),
    z.strictObject({ name, type: z.literal('slack'), url_file: secretFile, ...templates }),
    z.strictObject({
      name,
      type: z.literal('pagerduty'),
      routing_key_file: secretFile,
      url: httpUrl().prefault('https://events.pagerduty.com/v2/enqueue'),
      ...templates,
    }),
    z
      .strictObject({
        name,
        type: z.literal('email'),
        server: smtpServer(),
        from: mailbox,
        to: z.array(mailbox, 'a list of mail addresses').min(1, 'at least one mail address').max(50),
        username: z.string().min(1).optional(),
        password_file: secretFile.optional(),
        tls_ca: z.string('the path of a file').min(1, 'the path of a file').optional(),
        ...templates,
      })
      .refine(
        ({ username, password_file }) => (username === undefined) === (password_file === undefined),
        'username and password_file together, or neither',
      ),
  ],
  'a type: one of webhook, alertmanager, slack, pagerduty, email',
)

export type ReceiverConfig = z.infer<typeof receiverSchema>

function template() {
  const shape = 'up to 4000 characters of text'
  return z
    .string(shape)
    .min(1, shape)
    .max(4_000, shape)
    .superRefine((text, context) => {
      const allowed = templateMistake(text)
      if (allowed !== undefined) context.addIssue(allowed)
    })
}

/** http or https, with a path where there is one; no user or password. */
function httpUrl() {
  const shape = 'http://HOST/PATH or https://HOST/PATH, without user, password and fragment'
  return z.string(shape).transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const plain = url !== undefined && url.username === '' && url.password === '' && url.hash === ''
    if (!plain || !/^https?:$/.test(url.protocol)) {
      context.addIssue(shape)
      return z.NEVER
    }
    return url.href
  })
}

function smtpServer() {
  const shape = 'smtp://HOST:25, smtp+starttls://HOST:587 or smtps://HOST:465'
  return z.string(shape).transform((text, context) => {
    const [, scheme, host, port] =
      /^(smtp|smtp\+starttls|smtps):\/\/(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text) ?? []
    if (host === undefined || Number(port) > 65_535) {
      context.addIssue(shape)
      return z.NEVER
    }
    const security = scheme === 'smtps' ? 'tls' : scheme === 'smtp' ? 'none' : 'starttls'
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port), security } as const
  })
}

/** Where people reach this installation; links are made by putting paths behind it. */
export function publicUrl() {
  const shape =
    'http://HOST or https://HOST, with a path where there is one, as https://halfshake.example.com'
  return z.string(shape).transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const plain = url !== undefined && url.username === '' && url.password === ''
    if (!plain || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
      context.addIssue(shape)
      return z.NEVER
    }
    return url.href.replace(/\/+$/, '')
  })
}
