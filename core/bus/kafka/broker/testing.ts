import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A real Kafka broker (KRaft, one node) for tests and for trying things out: its jars come from Maven Central. */
export type Broker = {
  /** Plain text, no password. */
  brokers: string[]
  /** TLS with a certificate of its own and SASL, when users were given; `ca` is what to trust, as PEM. */
  secure?: { brokers: string[]; ca: string }
  port: number
  pid: number
  dataDir: string
  /** Resolves when the process is gone. Start again with the same `dataDir` and `port`. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Ends it: in good order when its data folder was given, else together with the folder. */
  stop(): Promise<void>
}

type Ports = { plain: number; secure: number; controller: number }
type Users = Readonly<Record<string, string>>

const run = promisify(execFile)
const KAFKA_VERSION = '4.3.1'
const JARS = join(homedir(), '.cache', 'halfshake', `kafka-${KAFKA_VERSION}`)
const POM = join(import.meta.dirname, '..', '..', '..', '..', 'scripts', 'kafka', 'pom.xml')
const START_TIMEOUT_MS = 60_000
const STARTED = /Kafka Server started/
const JAVA = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/**
 * Starts a broker on loopback. Everything is kept in `dataDir`: a new temporary folder unless given. `users` (name
 * to password) adds a second listener with TLS, SASL PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
 */
export async function startBroker({
  dataDir,
  port,
  users = {},
  progress = () => undefined,
}: {
  dataDir?: string
  port?: number
  users?: Users
  progress?: (message: string) => void
} = {}): Promise<Broker> {
  const libs = await ensureJars(progress)
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'halfshake-kafka-')))
  await mkdir(folder, { recursive: true })
  const [plain = 0, secure = 0, controller = 0] = await freePorts(3)
  const ports = { plain: port ?? plain, secure, controller }
  const withUsers = Object.keys(users).length > 0
  const ca = withUsers ? await ensureCertificate(folder) : ''
  await writeConfiguration(folder, ports, withUsers ? users : undefined)
  await format(libs, folder, users)
  progress('starting the broker')
  const child = await launch(libs, folder)
  return {
    brokers: [`127.0.0.1:${ports.plain}`],
    ...(withUsers ? { secure: { brokers: [`127.0.0.1:${ports.secure}`], ca } } : {}),
    port: ports.plain,
    pid: child.pid ?? 0,
    dataDir: folder,
    kill: (signal) => end(child, signal),
    async stop() {
      // What is thrown away need not be closed in good order, which takes seconds.
      await end(child, dataDir === undefined ? 'SIGKILL' : 'SIGTERM')
      if (dataDir === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The command line of one of Kafka's own programs; `ensureJars` must have been waited for. */
export function kafkaCommand(main: string, args: readonly string[], java: readonly string[] = []): string[] {
  return ['java', ...java, '-cp', join(JARS, '*'), main, ...args]
}

/** The jars, fetched once for all checkouts of the project; whole or not there. */
export async function ensureJars(progress: (message: string) => void = () => undefined): Promise<string> {
  const folder = JARS
  if (await exists(folder)) return folder
  const draft = `${folder}.${process.pid}`
  progress(`fetching Apache Kafka ${KAFKA_VERSION} from Maven Central (44 MB, once)`)
  const arguments_ = ['-q', '-B', '-f', POM, `-Dkafka.version=${KAFKA_VERSION}`]
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${draft}`]
  await run('mvn', [...arguments_, ...goal], { maxBuffer: 1 << 26 })
  // Another process may have been faster: its copy is as good.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true, force: true }))
  return folder
}

async function writeConfiguration(folder: string, ports: Ports, users: Users | undefined): Promise<void> {
  const lines = [
    ...baseProperties(folder, ports),
    ...(users === undefined ? [] : saslProperties(folder, users)),
  ]
  await writeFile(join(folder, 'server.properties'), `${lines.join('\n')}\n`, { mode: 0o600 })
  await writeFile(
    join(folder, 'log4j2.properties'),
    [
      'status=error',
      'appender.console.type=Console',
      'appender.console.name=console',
      'appender.console.layout.type=PatternLayout',
      'appender.console.layout.pattern=%d %p %c{1}: %m%n',
      'rootLogger.level=WARN',
      'rootLogger.appenderRef.console.ref=console',
      // Its "started" is what the start waits for.
      'logger.server.name=kafka.server.KafkaRaftServer',
      'logger.server.level=INFO',
    ].join('\n'),
  )

  function baseProperties(data: string, { plain, secure, controller }: Ports): string[] {
    const secured = users === undefined ? '' : `,SECURE://127.0.0.1:${secure}`
    return [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      'controller.listener.names=CONTROLLER',
      'inter.broker.listener.name=PLAIN',
      'listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
      `listeners=PLAIN://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}${secured}`,
      `advertised.listeners=PLAIN://127.0.0.1:${plain}${secured}`,
      `log.dirs=${join(data, 'log')}`,
      'auto.create.topics.enable=false',
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=1',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      'share.coordinator.state.topic.replication.factor=1',
      'share.coordinator.state.topic.min.isr=1',
      'group.initial.rebalance.delay.ms=0',
      // So that a test need not wait six seconds for a consumer that was killed.
      'group.min.session.timeout.ms=500',
    ]
  }
}

function saslProperties(folder: string, users: Users): string[] {
  const plain = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`)
  const module = 'org.apache.kafka.common.security'
  return [
    'listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    `listener.name.secure.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required${plain.join('')};`,
    ...['256', '512'].map(
      (bits) =>
        `listener.name.secure.scram-sha-${bits}.sasl.jaas.config=${module}.scram.ScramLoginModule required;`,
    ),
    'listener.name.secure.ssl.keystore.type=PEM',
    `listener.name.secure.ssl.keystore.location=${join(folder, 'keystore.pem')}`,
  ]
}

async function ensureCertificate(folder: string): Promise<string> {
  const key = join(folder, 'key.pem')
  const certificate = join(folder, 'certificate.pem')
  if (!(await exists(join(folder, 'keystore.pem')))) {
    const about = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '30']
    const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate]
    await run('openssl', [...make, ...about])
    await writeFile(join(folder, 'keystore.pem'), `${await readFile(key)}${await readFile(certificate)}`)
  }
  return readFile(certificate, 'utf8')
}

async function format(libs: string, folder: string, users: Users): Promise<void> {
  if (await exists(join(folder, 'log', 'meta.properties'))) return
  // Kafka's ids are 16 random bytes; one that begins with a dash would be taken for an option.
  const id = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const scram = Object.entries(users).flatMap(([name, password]) =>
    ['256', '512'].flatMap((bits) => ['-S', `SCRAM-SHA-${bits}=[name=${name},password=${password}]`]),
  )
  const tool = ['-cp', join(libs, '*'), 'kafka.tools.StorageTool', 'format', '-t', id]
  await run('java', [...JAVA, ...tool, '-c', join(folder, 'server.properties'), ...scram])
}

async function launch(libs: string, folder: string): Promise<ChildProcess> {
  const log = `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`
  const main = ['-cp', join(libs, '*'), 'kafka.Kafka', join(folder, 'server.properties')]
  const child = spawn('java', [...JAVA, log, ...main], { stdio: ['ignore', 'pipe', 'pipe'] })
  // Whatever ends this process, no broker is left behind.
  const orphan = () => child.kill('SIGKILL')
  process.once('exit', orphan)
  child.once('exit', () => process.removeListener('exit', orphan))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the broker ${why}:\n${output}`))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(`was not up within ${START_TIMEOUT_MS / 1000} s`)
    }, START_TIMEOUT_MS)
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
      if (!STARTED.test(output)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', (error) => fail(`could not be started (${error.message})`))
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(`ended with ${code}`)
    })
  })
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      return address.port
    }),
  )
  await Promise.all(
    servers.map((server) => {
      server.close()
      return once(server, 'close')
    }),
  )
  return ports
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
