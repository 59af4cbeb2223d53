import { z } from 'zod'
import { duration, hostPorts, identifier, integer, listen, path, serverUrl, size } from './config-kinds.ts'
import { LOG_LEVELS } from './log.ts'
import { publicUrl, receiverSchema } from './receiver-schema.ts'
import { SCOPES } from './tokens.ts'

/** The whole configuration with its defaults. Descriptions are what `halfshake config show` prints. */
export const configSchema = z.strictObject({
  data: z
    .strictObject({
      folder: z.string().min(1).default('data').describe('Where everything is kept.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: listen()
        .default({ host: '127.0.0.1', port: 8080 })
        .describe('Address and port, as 127.0.0.1:8080.'),
      tokens: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            hash: z
              .string()
              .regex(
                /^sha256:[0-9a-f]{64}$/,
                'sha256: and 64 hex digits; make one with halfshake token create',
              ),
            scopes: z.array(z.enum(SCOPES)).min(1),
          }),
        )
        .default([])
        .describe('Who may do what. Without any, only loopback may be bound.'),
    })
    .prefault({}),
  ingest: z
    .strictObject({
      max_body: size('8MB').describe('Largest body of a batch, compressed or not.'),
      max_line: size('64kB').describe('Longest line of a batch.'),
      max_queue: integer(1_000, 10_000_000, 200_000).describe(
        'Events taken and not yet stored; beyond it agents are told to wait.',
      ),
    })
    .prefault({}),
  kafka: z
    .strictObject({
      brokers: hostPorts(['127.0.0.1:9092']).describe(
        'Brokers to begin with; the others are learned from them.',
      ),
      client_id: z.string().min(1).default('halfshake').describe('What the brokers call us in their logs.'),
      topic: identifier(
        'halfshake.events',
        /^[A-Za-z0-9._-]{1,230}$/,
        'up to 230 letters, digits and . _ -',
      ).describe('Topic of the batches; their dead letters go to TOPIC.dead-letters.'),
      group: z.string().min(1).default('halfshake.enricher').describe('Consumer group of the enrichers.'),
      partitions: integer(1, 10_000, 12).describe(
        'Partitions of a topic that is created; so many enrichers can work at once.',
      ),
      replication: integer(1, 100, 1).describe(
        'Replicas of a topic that is created; 3 where there are three brokers.',
      ),
      retention: duration('7d', '1h', '365d').describe('How long a topic that is created keeps batches.'),
      max_message: size('4MB').describe('Largest message, zipped.'),
      max_waiting: size('64MB').describe(
        'Batches taken and not yet acknowledged by Kafka; beyond it agents are told to wait.',
      ),
      session_timeout: duration('15s', '1s', '5m').describe(
        "After so long without a sign of life an enricher's partitions go to the others.",
      ),
      tls: z.boolean().default(false).describe('Speak TLS with the brokers.'),
      tls_ca: path().describe("PEM file of the authority to trust, instead of the system's."),
      tls_cert: path().describe('PEM file of our certificate, where the brokers ask for one.'),
      tls_key: path().describe('PEM file of its key.'),
      sasl_mechanism: z
        .enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'one of plain, scram-sha-256, scram-sha-512')
        .optional()
        .describe('How to log in: plain, scram-sha-256 or scram-sha-512.'),
      sasl_username: z.string().min(1).optional().describe('User at the brokers.'),
      sasl_password: z.string().min(1).optional().describe('Its password; better in a file.'),
      sasl_password_file: path().describe('File that holds the password.'),
    })
    .prefault({}),
  enricher: z
    .strictObject({
      asn_database: z
        .string()
        .min(1)
        .optional()
        .describe('An .mmdb file with the fields of GeoLite2-ASN. Without it one is built.'),
      networks: z.string().min(1).optional().describe('A networks.csv that names prefixes.'),
      prefix_ipv4: integer(8, 32, 24).describe('Length of the prefixes that IPv4 clients are grouped by.'),
      prefix_ipv6: integer(16, 64, 48).describe('Length of the prefixes that IPv6 clients are grouped by.'),
      truncate_addresses: z.boolean().default(false).describe('Store addresses cut to their prefix.'),
      client_key_file: path().describe(
        'File of 32 bytes that client addresses are hashed with; the same for all enrichers. Without it one is made in the data folder.',
      ),
    })
    .prefault({}),
  store: z
    .strictObject({
      url: serverUrl()
        .optional()
        .describe(
          'A ClickHouse server, or `halfshake store`, for processes that do not hold the store themselves.',
        ),
      user: z.string().min(1).default('default').describe('User at that server.'),
      password: z.string().optional().describe('Its password; better in a file.'),
      password_file: path().describe('File that holds the password.'),
      database: identifier(
        'halfshake',
        /^[A-Za-z_][A-Za-z0-9_]{0,62}$/,
        'a letter or _, then up to 62 letters, digits and _',
      ).describe('Database at that server; created where it is missing.'),
      cluster: z
        .string()
        .regex(
          /^[A-Za-z0-9._-]{1,100}$/,
          'the name of a cluster in remote_servers: letters, digits and . _ -',
        )
        .optional()
        .describe(
          'Cluster at that server, as remote_servers has it: tables are replicated and sharded over it.',
        ),
      tls_ca: path().describe("PEM file of the authority to trust with https, instead of the system's."),
      tls_cert: path().describe('PEM file of our certificate, where the server asks for one.'),
      tls_key: path().describe('PEM file of its key.'),
      retention_raw: duration('14d', '1h', '90d').describe(
        'How long single handshakes, dead letters and batches are kept.',
      ),
      retention_minutes: duration('30d', '1h', '90d').describe('How long rollups by minute are kept.'),
      retention_hours: duration('400d', '1d', '3650d').describe('How long rollups by hour are kept.'),
      fsync: z
        .boolean()
        .default(false)
        .describe('Survive power loss, not only a crash of the process; slower.'),
      serve: z
        .boolean()
        .default(false)
        .describe(
          'Let `halfshake up` answer the ClickHouse HTTP interface too, for Grafana, curl and others.',
        ),
      listen: listen()
        .default({ host: '127.0.0.1', port: 8123 })
        .describe('Where the embedded engine answers the ClickHouse HTTP interface, as 127.0.0.1:8123.'),
      users: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            hash: z
              .string()
              .regex(
                /^sha256:[0-9a-f]{64}$/,
                'sha256: and 64 hex digits; make one with halfshake store password',
              ),
            access: z.enum(['reader', 'admin']),
          }),
        )
        .default([])
        .describe('Who may ask the ClickHouse HTTP interface. Without any, only loopback may be bound.'),
    })
    .prefault({}),
  detector: z
    .strictObject({
      watermark: duration('60s', '5s', '10m').describe('How long after its end a minute is judged.'),
      history: duration('14d', '1h', '90d').describe('How much stored history is replayed at the start.'),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      rules: path().describe('Folder of rules, *.yaml; read again when a file changes.'),
      default_rule: z
        .boolean()
        .default(true)
        .describe('Have the shipped rule in force too: an alert for every network that diverges.'),
      public_url: publicUrl()
        .optional()
        .describe('Where people reach this installation, for the links in messages.'),
      grafana_url: publicUrl()
        .optional()
        .describe('Where people reach the Grafana that has our dashboards, for the links in messages.'),
      receivers: z.array(receiverSchema).max(100).default([]).describe('Where alerts can be sent.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(LOG_LEVELS)
        .default('info')
        .describe('What is worth a line: debug, info, warn, error or silent.'),
    })
    .prefault({}),
})

export type Config = z.infer<typeof configSchema>

/** What is missing or too much in a section as it was given: settings that mean nothing alone, or exclude each other. */
export function checkTogether(
  tree: Readonly<Record<string, unknown>>,
): { path: string[]; message: string }[] {
  return [...checkPasswords(tree), ...checkReceiverNames(tree)]
}

/** Alerts name their receivers: two of one name would both be meant. */
function checkReceiverNames(tree: Readonly<Record<string, unknown>>): { path: string[]; message: string }[] {
  const receivers = (tree['alerts'] as { receivers?: unknown } | null | undefined)?.receivers
  if (!Array.isArray(receivers)) return []
  const names = receivers.map((receiver) => (receiver as { name?: unknown } | null)?.name)
  return names.flatMap((name, index) =>
    typeof name === 'string' && names.indexOf(name) < index
      ? [
          {
            path: ['alerts', 'receivers', String(index), 'name'],
            message: 'a name that no other receiver has',
          },
        ]
      : [],
  )
}

function checkPasswords(tree: Readonly<Record<string, unknown>>): { path: string[]; message: string }[] {
  return ['kafka', 'store'].flatMap((name) => {
    const section = tree[name]
    if (typeof section !== 'object' || section === null) return []
    const given = (key: string) => Object.hasOwn(section, key)
    const password = name === 'kafka' ? 'sasl_password' : 'password'
    const problems: [problem: boolean, key: string, message: string][] = [
      [given('tls_cert') && !given('tls_key'), 'tls_key', 'the key of tls_cert'],
      [given('tls_key') && !given('tls_cert'), 'tls_cert', 'the certificate of tls_key'],
      [
        name === 'store' && given('tls_cert') && !given('tls_ca'),
        'tls_ca',
        'the authority to trust, beside tls_cert',
      ],
      [
        given(password) && given(`${password}_file`),
        `${password}_file`,
        `either ${password} or ${password}_file`,
      ],
      [
        given('sasl_mechanism') && !given('sasl_username'),
        'sasl_username',
        'a user name, since sasl_mechanism is set',
      ],
      [
        given('sasl_mechanism') && !given('sasl_password') && !given('sasl_password_file'),
        'sasl_password',
        'a password (or sasl_password_file), since sasl_mechanism is set',
      ],
    ]
    return problems.flatMap(([wrong, key, message]) => (wrong ? [{ path: [name, key], message }] : []))
  })
}
