/**
 * What the agent costs: CPU per TLS handshake with and without it, and memory per handshake under way.
 * `npx tsx bench/agent/run.ts [ROUNDS]` writes RESULTS.md beside this file.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Peer, startPeer, type Usage } from './protocol.ts'
import { type Round, report } from './report.ts'

const HANDSHAKES = 1000
const WARM_UP = 2000
const IDLE = 4000
/** Longer than the agent keeps an event for its batch to fill. */
const SETTLE_MS = 3000
const total = Number(process.argv[2] ?? 40)

const folder = mkdtempSync(join(tmpdir(), 'halfshake-bench-'))
const peers: Peer[] = []
try {
  const results = await measure()
  const text = report({ ...results, handshakes: HANDSHAKES, idle: IDLE })
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), text)
  console.log(text)
} finally {
  for (const peer of peers) peer.stop()
  rmSync(folder, { recursive: true })
}

async function measure() {
  const build = ['run', 'build', '-w', 'agent', '--silent']
  execFileSync('npm', build, {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const certificate = createCertificate()
  const start = async (program: string, args: string[], cpu: number) => {
    const peer = await startPeer(program, args, cpu)
    peers.push(peer)
    return peer
  }
  const sink = await start('sink.ts', [], 1)
  const client = await start('client.ts', [], 1)
  const startServers = async () => ({
    without: await start('server.ts', certificate, 0),
    with: await start('server.ts', [...certificate, `http://127.0.0.1:${sink.port}`], 0),
  })
  const memory = await measureMemory(client, await startServers())
  const servers = await startServers()
  await measureRound(client, servers, WARM_UP)
  const rounds: Round[] = []
  for (let round = 0; round < total; round += 1) rounds.push(await measureRound(client, servers, HANDSHAKES))
  return { rounds, memory }
}

type Servers = { without: Peer; with: Peer }

/**
 * CPU per handshake on each server, µs. The client goes from one to the other with every connection and both run on
 * the same core, so that whatever else the machine does weighs on both alike.
 */
async function measureRound(client: Peer, servers: Servers, count: number): Promise<Round> {
  const usage = async (server: Peer) => {
    const { cpu, waiting } = await server.ask<Usage>({ do: 'measure' })
    if (waiting > 0) throw new Error(`${waiting} events were not delivered`)
    return cpu
  }
  const before = { without: await usage(servers.without), with: await usage(servers.with) }
  await client.ask({ do: 'handshakes', ports: [servers.without.port, servers.with.port], count })
  // The last events wait for their batch to fill.
  await sleep(SETTLE_MS)
  const after = { with: await usage(servers.with), without: await usage(servers.without) }
  return { without: (after.without - before.without) / count, with: (after.with - before.with) / count }
}

/** Memory per connection whose handshake has not begun, bytes, on servers that have done nothing else; ends them. */
async function measureMemory(client: Peer, servers: Servers): Promise<Round> {
  const each = async (server: Peer) => {
    const before = await server.ask<Usage>({ do: 'collect' })
    await client.ask({ do: 'idle', port: server.port, count: IDLE })
    const after = await server.ask<Usage>({ do: 'collect' })
    server.stop()
    return (after.memory - before.memory) / IDLE
  }
  return { without: await each(servers.without), with: await each(servers.with) }
}

function createCertificate(): string[] {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const args = ['req', '-x509', ...curve, '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]
  execFileSync('openssl', args, { stdio: 'ignore' })
  return [key, cert]
}
