/**
 * What the agent costs: CPU per TLS handshake with and without it, and memory per handshake under way.
 * `npx tsx bench/agent/run.ts [PAIRS]` writes RESULTS.md beside this file. Takes some three minutes.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Peer, startPeer, type Usage } from './protocol.ts'
import { type Pair, report } from './report.ts'

const HANDSHAKES = 500
const WARM_UP = 3000
const IDLE = 2000
const pairs = Number(process.argv[2] ?? 40)

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
  const without = await start('server.ts', certificate, 0)
  const withAgent = await start('server.ts', [...certificate, `http://127.0.0.1:${sink.port}`], 0)
  for (const server of [without, withAgent]) await cost(client, server, WARM_UP)
  const measured: Pair[] = []
  for (let round = 0; round < pairs; round += 1) {
    measured.push(await measurePair(client, without, withAgent, round % 2 === 0))
  }
  return {
    pairs: measured,
    memory: { without: await memory(client, without), with: await memory(client, withAgent) },
  }
}

/** One round each, one right after the other, so that what else the machine does weighs on both. */
async function measurePair(client: Peer, without: Peer, withAgent: Peer, agentLast: boolean): Promise<Pair> {
  if (agentLast) {
    const plain = await cost(client, without, HANDSHAKES)
    return { without: plain, with: await cost(client, withAgent, HANDSHAKES) }
  }
  const observed = await cost(client, withAgent, HANDSHAKES)
  return { without: await cost(client, without, HANDSHAKES), with: observed }
}

/** CPU per handshake on the server, µs. */
async function cost(client: Peer, server: Peer, count: number): Promise<number> {
  const before = await server.ask<Usage>({ do: 'measure' })
  await client.ask({ do: 'handshakes', port: server.port, count })
  const after = await server.ask<Usage>({ do: 'measure' })
  if (after.waiting > 0) throw new Error(`${after.waiting} events were not delivered`)
  return (after.cpu - before.cpu) / count
}

/** Memory per connection whose handshake has not begun, bytes. */
async function memory(client: Peer, server: Peer): Promise<number> {
  const before = await server.ask<Usage>({ do: 'collect' })
  await client.ask({ do: 'idle', port: server.port, count: IDLE })
  const after = await server.ask<Usage>({ do: 'collect' })
  return (after.memory - before.memory) / IDLE
}

function createCertificate(): string[] {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const args = ['req', '-x509', ...curve, '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]
  execFileSync('openssl', args, { stdio: 'ignore' })
  return [key, cert]
}
