import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { type Running, startProgram } from '../../testing/processes.ts'

/** A service of docker-compose.yml, as far as it says how its process is started. */
export type Service = {
  image?: string
  command?: string[]
  environment?: Record<string, string>
  env_file?: string[]
  configs?: { source: string; target: string }[]
  secrets?: string[]
  volumes?: string[]
  ports?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  mem_limit?: string
  profiles?: string[]
  read_only?: boolean
}

export type Compose = {
  services: Record<string, Service>
  configs: Record<string, { file: string }>
  secrets: Record<string, { file: string }>
  volumes: Record<string, unknown>
}

export function readCompose(file: string): Compose {
  return parse(readFileSync(file, 'utf8'), { merge: true }) as Compose
}

/**
 * What a container engine does for the services of a compose file, as far as processes can tell: one network in which
 * the services' names resolve, the files of `configs` and `secrets` where the file says, volumes that outlive a
 * process, the environment. All services share one address here, so no two may listen on the same port. Needs root.
 */
export type Containers = {
  /** Starts a program as the service's process; what the image would run is given by `program`. */
  start(name: string, program: readonly string[]): Running
  /** Runs the service's own health check once: 0 when healthy. */
  isHealthy(name: string, programOf: (test: readonly string[]) => readonly string[]): Promise<boolean>
  /** Runs a program within the network, and gives back what it wrote. */
  run(program: readonly string[]): string
  end(): Promise<void>
}

/** What every mount namespace gets anew, so that nothing of this machine's is written to. */
const FRESH = ['/run', '/var/lib', '/etc/clickhouse-server', '/etc/grafana']

export function createContainers(
  compose: Compose,
  {
    project,
    folder,
  }: { /** Where the compose file lies. */ project: string /** For volumes. */; folder: string },
): Containers {
  const network = `halfshake-${randomBytes(3).toString('hex')}`
  const hosts = join('/etc/netns', network)
  const running: Running[] = []
  mkdirSync(hosts, { recursive: true })
  const names = ['localhost', ...Object.keys(compose.services)]
  writeFileSync(join(hosts, 'hosts'), names.map((name) => `127.0.0.1 ${name}\n`).join(''))
  execFileSync('ip', ['netns', 'add', network])
  execFileSync('ip', ['-n', network, 'link', 'set', 'lo', 'up'])

  const within = (service: Service, program: readonly string[]) => [
    'ip',
    ...['netns', 'exec', network, 'sh', '-ec', `${mountsOf(service)}\nexec "$@"`, 'sh', ...program],
  ]
  const serviceOf = (name: string) => compose.services[name] ?? missing(name)

  return {
    start(name, program) {
      const service = serviceOf(name)
      const started = startProgram(within(service, program), environmentOf(service))
      running.push(started)
      return started
    },
    async isHealthy(name, programOf) {
      const service = serviceOf(name)
      const [, ...test] = service.healthcheck?.test ?? missing(`healthcheck of ${name}`)
      return (await startProgram(within(service, programOf(test)), environmentOf(service)).ended) === 0
    },
    run: (program) => execFileSync('ip', ['netns', 'exec', network, ...program]).toString(),
    async end() {
      for (const { child, ended } of running.reverse()) {
        child.kill('SIGKILL')
        await ended
      }
      execFileSync('ip', ['netns', 'delete', network])
      rmSync(hosts, { recursive: true, force: true })
    },
  }

  function environmentOf({ environment = {}, env_file = [] }: Service): Record<string, string> {
    const files = env_file.flatMap((file) =>
      readFileSync(join(project, file), 'utf8')
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    return { ...Object.fromEntries(files), ...environment }
  }

  function mountsOf({ configs = [], secrets = [], volumes = [] }: Service): string {
    const files = [
      ...configs.map(({ source, target }) => ({ from: compose.configs[source]?.file, target })),
      ...secrets.map((name) => ({ from: compose.secrets[name]?.file, target: `/run/secrets/${name}` })),
    ]
    const targets = new Set([
      ...files.map(({ target }) => target),
      ...volumes.map((volume) => volume.split(':')[1] ?? ''),
    ])
    const fresh = FRESH.filter((path) => [...targets].some((target) => target.startsWith(`${path}/`)))
    return [
      ...fresh.map((path) => `mkdir -p ${path}; mount -t tmpfs none ${path}`),
      ...files.map(({ from = '', target }) => bind(resolve(project, from), target)),
      ...volumes.map((volume) => bindVolume(volume)),
    ].join('\n')
  }

  function bindVolume(volume: string): string {
    const [name = '', target = '', mode = 'rw'] = volume.split(':')
    // A path is a folder of the project, a name a volume.
    const path = name.startsWith('.') ? resolve(project, name) : join(folder, name)
    if (!name.startsWith('.')) mkdirSync(path, { recursive: true })
    return `mkdir -p ${target}; mount --bind -o ${mode} ${path} ${target}`
  }
}

function bind(from: string, target: string): string {
  return `mkdir -p $(dirname ${target}); touch ${target}; mount --bind -o ro ${from} ${target}`
}

function missing(what: string): never {
  throw new Error(`docker-compose.yml has no ${what}`)
}
