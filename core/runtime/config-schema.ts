import { z } from 'zod'
import { duration, integer, listen, size } from './config-kinds.ts'
import { LOG_LEVELS } from './log.ts'
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
    })
    .prefault({}),
  store: z
    .strictObject({
      retention_raw: duration('14d', '1h', '90d').describe(
        'How long single handshakes, dead letters and batches are kept.',
      ),
      retention_minutes: duration('30d', '1h', '90d').describe('How long rollups by minute are kept.'),
      retention_hours: duration('400d', '1d', '3650d').describe('How long rollups by hour are kept.'),
      fsync: z
        .boolean()
        .default(false)
        .describe('Survive power loss, not only a crash of the process; slower.'),
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
