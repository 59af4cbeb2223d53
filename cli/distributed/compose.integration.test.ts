import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureJars, kafkaCommand } from '../../core/bus/kafka/broker/testing.ts'
import { until } from '../../core/bus/kafka/testing.ts'
import { serializeEvents } from '../../core/event/index.ts'
import { temporaryFolder } from '../../core/store/testing.ts'
import { PROGRAM, type Running } from '../testing/processes.ts'
import {
  type Compose,
  type Containers,
  createContainers,
  readCompose,
  type Service,
} from './testing/containers.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const STEPS = ['ingest', 'enricher', 'detector', 'api']
const compose = readCompose(join(ROOT, 'docker-compose.yml'))
const services = Object.entries(compose.services)

/** Beside the one that is shipped and the example, which has none. */
const RULE = 'rules: [{ id: ours, who: { any: true }, what: { no_data: }, for: 5m }]\n'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let project: string
let containers: Containers
let tokens: Record<string, string>

beforeAll(async () => {
  await ensureJars()
  folder = await temporaryFolder()
  project = join(folder.path, 'project')
  mkdirSync(project)
  for (const part of ['deploy', 'scripts/make-secrets'])
    cpSync(join(ROOT, part), join(project, part), { recursive: true })
  execFileSync(join(project, 'scripts', 'make-secrets'))
  const lines = readFileSync(join(project, 'secrets', 'tokens'), 'utf8')
    .trim()
    .split('\n')
  tokens = Object.fromEntries(lines.map((line) => line.split(/\s+/)))
  writeFileSync(join(project, 'deploy', 'rules', 'ours.yaml'), RULE)
  containers = createContainers(compose, { project, folder: join(folder.path, 'volumes') })
})
afterAll(async () => {
  await containers.end()
  await folder.remove()
})

describe('docker-compose.yml', () => {
  it.each(services)(
    'has for %s a pinned image, a bound of memory, a health check, and no port beyond this machine',
    (_, service) => {
      expect(service.image).toMatch(/^[a-z/-]+:v?\d+\.\d+\.\d+/)
      expect(service.mem_limit).toMatch(/^\d+[mg]$/)
      expect(service.healthcheck?.test[0]).toBe('CMD')
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
      for (const { condition } of Object.values(service.depends_on ?? {}))
        expect(condition).toBe('service_healthy')
    },
  )

  it('names only files that are there, or that make-secrets makes', () => {
    const files = [...Object.values(compose.configs), ...Object.values(compose.secrets)].map(
      ({ file }) => file,
    )
    const environments = services.flatMap(([, { env_file = [] }]) => env_file)
    for (const file of [...files, ...environments])
      expect([file, existsSync(join(project, file))]).toEqual([file, true])
    for (const [name, { configs = [], secrets = [], volumes = [] }] of services) {
      const known = [
        ...configs.map(({ source }) => source in compose.configs),
        ...secrets.map((secret) => secret in compose.secrets),
        ...volumes.map((volume) => isThere(volume.split(':')[0] ?? '')),
      ]
      expect([name, known.every((there) => there)]).toEqual([name, true])
    }
  })

  it('starts: each process with its own command, environment and files becomes healthy, an event gets through, and the rules in the folder are in force', async () => {
    const processes: [string, Running][] = [
      ['kafka', containers.start('kafka', kafkaOf(compose.services['kafka']))],
      ['clickhouse', containers.start('clickhouse', storeInPlaceOfServer())],
      ...STEPS.map((name): [string, Running] => [name, containers.start(name, stepOf(compose, name))]),
    ]
    for (const name of STEPS) {
      await until(
        () =>
          containers.isHealthy(name, ([program, ...rest]) => [
            program === 'halfshake' ? PROGRAM : '',
            ...rest,
          ]),
        (healthy) => healthy,
        60_000,
      ).catch((error: Error) => {
        throw new Error(
          `${name}: ${error.message}\n${processes.map(([who, { output }]) => `${who}: ${output()}`).join('\n')}`,
        )
      })
    }
    const now = Date.now()
    const event = {
      v: 1,
      id: 'x',
      state: 'active',
      opened_at: now - 50,
      decided_at: now,
      source_address: '8.8.8.8',
      source_port: 40_000,
      destination_address: '198.51.100.1',
      destination_port: 443,
      bytes_in: 517,
      bytes_out: 4_000,
    } as const
    writeFileSync(join(folder.path, 'batch'), serializeEvents([event]))
    expect(send('wrong')).toContain('"status":401')
    expect(send(tokens['edge'] ?? '')).toContain('"accepted":1')
    await until(
      () => curl([`http://api:8081/v1/networks`, '-H', `authorization: Bearer ${tokens['console']}`]),
      (answer) => answer.includes('"asn":15169'),
    )
    expect(curl(['http://detector:8083/metrics'])).toMatch(/^halfshake_alert_rules 2$/m)
    for (const [, { child, ended }] of processes.reverse()) {
      child.kill('SIGTERM')
      await ended
    }
  }, 180_000)

  it('has a configuration that Alertmanager takes', async () => {
    const alertmanager = compose.services['alertmanager']
    containers.start('alertmanager', ['prometheus-alertmanager', ...(alertmanager?.command ?? [])])
    const ready = () =>
      containers.isHealthy('alertmanager', ([, ...rest]) => ['curl', '-sf', rest.at(-1) ?? ''])
    await until(ready, (healthy) => healthy)
  })
})

/** A folder of the project, or a volume that the file names. */
function isThere(source: string): boolean {
  return source.startsWith('.') ? existsSync(join(project, source)) : source in compose.volumes
}

function curl(args: readonly string[]): string {
  return containers.run(['curl', '-s', ...args])
}

function send(token: string): string {
  const headers = [
    'content-type: application/x-ndjson',
    `authorization: Bearer ${token}`,
    'halfshake-agent: edge-1',
    'halfshake-epoch: 1',
    'halfshake-sequence: 1',
  ]
  const body = ['--data-binary', `@${join(folder.path, 'batch')}`]
  return curl(['http://ingest:8080/v1/events', ...headers.flatMap((header) => ['-H', header]), ...body])
}

/** The image's entry point is the program; the service gives it its command. */
function stepOf({ services: all }: Compose, name: string): string[] {
  return [PROGRAM, ...(all[name]?.command ?? [])]
}

/** As the image turns KAFKA_… into server.properties: https://kafka.apache.org/documentation/#docker */
function kafkaOf(service: Service | undefined): string[] {
  const environment = service?.environment ?? {}
  const lines = Object.entries(environment)
    .filter(([name]) => name.startsWith('KAFKA_') && name !== 'KAFKA_HEAP_OPTS')
    .map(([name, value]) => `${name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.')}=${value}`)
  const properties = join(folder.path, 'server.properties')
  writeFileSync(properties, `${lines.join('\n')}\n`)
  const heap = environment['KAFKA_HEAP_OPTS'] ?? ''
  const format = kafkaCommand('kafka.tools.StorageTool', [
    'format',
    '-t',
    environment['CLUSTER_ID'] ?? '',
    '-c',
    properties,
  ])
  const start = kafkaCommand('kafka.Kafka', [properties], [heap])
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')
  return ['sh', '-ec', `${quoted(format)}; exec ${quoted(start)}`]
}

/** No ClickHouse server can be had here: the embedded engine answers in its place, with the same user and password. */
function storeInPlaceOfServer(): string[] {
  const [line = ''] = readFileSync(join(project, 'secrets', 'clickhouse.env'), 'utf8').split('\n')
  const users = `[{name: halfshake, hash: "sha256:${line.split('=')[1]}", access: admin}]`
  const settings = [
    'HALFSHAKE_HTTP_LISTEN=127.0.0.1:8124',
    'HALFSHAKE_STORE_LISTEN=0.0.0.0:8123',
    'HALFSHAKE_DATA_FOLDER=/var/lib/clickhouse/halfshake',
    `HALFSHAKE_STORE_USERS=${users}`,
  ]
  return ['env', '-u', 'CLICKHOUSE_SKIP_USER_SETUP', ...settings, PROGRAM, 'store']
}
