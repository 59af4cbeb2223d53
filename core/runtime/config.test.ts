import { describe, expect, it } from 'vitest'
import { describeSettings, parseConfig } from './config.ts'

describe('the configuration', () => {
  it('is whole without a file', () => {
    const parsed = parseConfig({})
    expect(parsed).toMatchObject({
      ok: true,
      config: {
        http: { listen: { host: '127.0.0.1', port: 8080 }, tokens: [] },
        ingest: { max_body: 8_000_000, max_line: 64_000 },
        store: { retention_raw: 14 * 86_400_000 },
      },
    })
  })

  it('reports all mistakes together, each with its place, what is allowed and the nearest key', () => {
    const parsed = parseConfig({
      file: 'halfshake.yaml',
      yaml: 'http:\n  listen: nowhere\n  tokns: []\nstore:\n  retention_raw: 2 weeks\ningst: {}\nenricher:\n  prefix_ipv4: 33\n',
      env: { HALFSHAKE_LOG_LEVEL: 'loud', HALFSHAKE_LOG_LEVLE: 'info', HALFSHAKE_CONFIG: 'x', HOME: '/root' },
    })
    const mistakes = parsed.ok ? [] : parsed.mistakes
    expect(Object.fromEntries(mistakes.map(({ where, allowed }) => [where, allowed]))).toEqual({
      HALFSHAKE_LOG_LEVLE: 'did you mean HALFSHAKE_LOG_LEVEL?',
      'halfshake.yaml: ingst': 'did you mean ingest?',
      'halfshake.yaml: http.listen': expect.stringContaining('address:port'),
      'halfshake.yaml: http.tokns': 'did you mean tokens?',
      'halfshake.yaml: store.retention_raw': expect.stringContaining('14d'),
      'halfshake.yaml: enricher.prefix_ipv4': 'a whole number from 8 to 32',
      HALFSHAKE_LOG_LEVEL: expect.stringContaining('debug'),
    })
    expect(mistakes.find(({ where }) => where.endsWith('retention_raw'))?.message).toContain('2 weeks')
  })

  it('lets a variable override the file, whatever the type', () => {
    const hash = `sha256:${'a'.repeat(64)}`
    const parsed = parseConfig({
      yaml: 'ingest: { max_queue: 5000 }\ndata: { folder: a }',
      env: {
        HALFSHAKE_INGEST_MAX_QUEUE: '7000',
        HALFSHAKE_DATA_FOLDER: '/srv/halfshake',
        HALFSHAKE_STORE_FSYNC: 'true',
        HALFSHAKE_HTTP_LISTEN: '[::1]:0',
        HALFSHAKE_HTTP_TOKENS: `[{name: edge, hash: "${hash}", scopes: [ingest]}]`,
      },
    })
    expect(parsed).toMatchObject({
      ok: true,
      config: {
        ingest: { max_queue: 7_000 },
        data: { folder: '/srv/halfshake' },
        store: { fsync: true },
        http: { listen: { host: '::1', port: 0 }, tokens: [{ name: 'edge', hash, scopes: ['ingest'] }] },
      },
    })
  })

  it('takes text as text, brokers as a list, and asks for what belongs together', () => {
    const whole = parseConfig({
      env: {
        HALFSHAKE_KAFKA_BROKERS: 'kafka-1:9092, [::1]:9093',
        HALFSHAKE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
        HALFSHAKE_KAFKA_SASL_USERNAME: 'edge',
        HALFSHAKE_KAFKA_SASL_PASSWORD: '0123',
        HALFSHAKE_STORE_URL: 'https://clickhouse.example:8443',
        HALFSHAKE_STORE_PASSWORD: 'true',
      },
    })
    expect(whole).toMatchObject({
      ok: true,
      config: {
        kafka: { brokers: ['kafka-1:9092', '[::1]:9093'], sasl_password: '0123' },
        store: { url: 'https://clickhouse.example:8443', password: 'true' },
      },
    })
    const parsed = parseConfig({
      env: {
        HALFSHAKE_KAFKA_BROKERS: 'kafka-1:9092,kafka-2',
        HALFSHAKE_KAFKA_SASL_MECHANISM: 'plain',
        HALFSHAKE_KAFKA_TLS_CERT: 'ours.pem',
        HALFSHAKE_STORE_URL: 'http://me:secret@clickhouse:8123',
        HALFSHAKE_STORE_PASSWORD: 'secret',
        HALFSHAKE_STORE_PASSWORD_FILE: 'password',
        HALFSHAKE_STORE_DATABASE: 'a b',
      },
    })
    const mistakes = parsed.ok ? [] : parsed.mistakes
    expect(mistakes.map(({ where }) => where).sort()).toEqual([
      'HALFSHAKE_KAFKA_BROKERS',
      'HALFSHAKE_STORE_DATABASE',
      'HALFSHAKE_STORE_PASSWORD_FILE',
      'HALFSHAKE_STORE_URL',
      'configuration: kafka.sasl_password',
      'configuration: kafka.sasl_username',
      'configuration: kafka.tls_key',
    ])
    expect(JSON.stringify(mistakes)).not.toContain('secret@')
  })

  it('names what is no YAML, or no mapping', () => {
    expect(parseConfig({ yaml: 'a: [' })).toMatchObject({
      ok: false,
      mistakes: [{ message: expect.stringContaining('not YAML') }],
    })
    expect(parseConfig({ yaml: '- a' })).toMatchObject({
      ok: false,
      mistakes: [{ message: 'not a mapping' }],
    })
  })

  it('describes every setting', () => {
    for (const { path, description } of describeSettings()) expect(description, path).not.toBe('')
  })

  it('takes receivers of alerts, and names what is wrong in one with its place and the nearest key', () => {
    const yaml = `alerts:
  public_url: https://halfshake.example.com/
  receivers:
    - { name: ops, type: webhook, url: "https://ops.example.com/hook", secret_file: /run/secret }
    - { name: mail, type: email, server: "smtp+starttls://mail.example.com:587", from: a@example.com, to: [b@example.com] }
`
    expect(parseConfig({ yaml })).toMatchObject({
      ok: true,
      config: {
        alerts: {
          public_url: 'https://halfshake.example.com',
          receivers: [
            { name: 'ops', url: 'https://ops.example.com/hook' },
            { server: { host: 'mail.example.com', port: 587, security: 'starttls' } },
          ],
        },
      },
    })
    const bad = parseConfig({
      file: 'halfshake.yaml',
      yaml: `alerts:
  receivers:
    - { name: ops, type: webhook, url: "https://user:word@ops.example.com/", secret_fil: x }
    - { name: pager, type: pagr }
    - { name: ops, type: slack, url_file: /run/slack }
`,
    })
    const mistakes = bad.ok ? [] : bad.mistakes
    expect(Object.fromEntries(mistakes.map(({ where, allowed }) => [where, allowed]))).toEqual({
      'halfshake.yaml: alerts.receivers.0.url': expect.stringContaining('without user, password'),
      'halfshake.yaml: alerts.receivers.0.secret_fil': 'did you mean secret_file?',
      'halfshake.yaml: alerts.receivers.1.type': expect.stringContaining('webhook, alertmanager'),
      'halfshake.yaml: alerts.receivers.2.name': 'a name that no other receiver has',
    })
    expect(JSON.stringify(mistakes)).not.toContain('word@')
  })

  it.each([
    ['{{network}} since {{ started_at }}', undefined],
    ['{{netwrk}}', expect.stringMatching(/^did you mean \{\{network\}\}\? .*success_rate/)],
    ['{{constructor}}', expect.stringContaining('of title, text')],
    ['{{network}', 'braces in pairs, as {{network}}'],
    ['', expect.stringContaining('4000 characters')],
  ])('takes the template %j of a message, or says what is allowed', (title, allowed) => {
    const receivers = [{ name: 'chat', type: 'slack', url_file: '/run/slack', title }]
    const parsed = parseConfig({ yaml: JSON.stringify({ alerts: { receivers } }) })
    expect(parsed.ok ? undefined : parsed.mistakes[0]?.allowed).toEqual(allowed)
  })
})
