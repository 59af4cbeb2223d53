import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { nodeProgram } from '../node-program.ts'
import { type Host, listNamespaces, type Network, removeLeftovers, runCommand, withNetwork } from './index.ts'

const SMALL = 500
const LARGE = 1440
const NARROW_MTU = 1400
const SERVERS = ['203.0.113.2', '2001:db8:2::2'] as const

/** client – near – far – server, with an echo server, and the link in the middle at hand. */
async function build(network: Network) {
  const client = await network.addHost('client')
  const near = await network.addHost('near')
  const far = await network.addHost('far')
  const server = await network.addHost('server')
  await network.addLink(
    { host: client, addresses: ['198.51.100.2/24', '2001:db8:1::2/64'] },
    { host: near, addresses: ['198.51.100.1/24', '2001:db8:1::1/64'] },
  )
  const link = await network.addLink(
    { host: near, addresses: ['192.0.2.1/24', '2001:db8:3::1/64'] },
    { host: far, addresses: ['192.0.2.2/24', '2001:db8:3::2/64'] },
  )
  await network.addLink(
    { host: far, addresses: ['203.0.113.1/24', '2001:db8:2::1/64'] },
    { host: server, addresses: ['203.0.113.2/24', '2001:db8:2::2/64'] },
  )
  for (const hop of [near, far]) await hop.forward()
  for (const via of ['198.51.100.1', '2001:db8:1::1']) await client.addRoute('default', via)
  for (const via of ['192.0.2.2', '2001:db8:3::2']) await near.addRoute('default', via)
  for (const via of ['192.0.2.1', '2001:db8:3::1']) await far.addRoute('default', via)
  for (const via of ['203.0.113.1', '2001:db8:2::1']) await server.addRoute('default', via)
  const echo = `require('net').createServer((c) => c.pipe(c)).listen(7, '::', () => console.log('up'))`
  const { stdout } = server.spawn(process.execPath, ['-e', echo], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (stdout === null) throw new Error('the echo server has no output')
  await once(stdout, 'data')
  return { client, near, link }
}

/** How many of `bytes`, written at once, come back within two seconds. */
async function echoed(client: Host, to: string, bytes: number): Promise<number> {
  const program = `
    let n = 0
    const done = () => { console.log(n); process.exit() }
    setTimeout(done, 2000)
    const c = require('net').connect(7, '${to}', () => c.write(Buffer.alloc(${bytes})))
    c.on('data', (d) => { n += d.length; if (n === ${bytes}) done() })`
  return Number(await client.run(process.execPath, ['-e', program]))
}

test.each(SERVERS)('a narrow hop without ICMP swallows large packets to %s and no small ones', async (to) => {
  await withNetwork(async (network) => {
    const { client, near, link } = await build(network)
    await near.dropIcmp()
    expect(await echoed(client, to, LARGE)).toBe(LARGE)
    await link.setMtu(NARROW_MTU)
    expect(await echoed(client, to, LARGE)).toBe(0)
    expect(await echoed(client, to, SMALL)).toBe(SMALL)
    await link.setMtu(1500)
    expect(await echoed(client, to, LARGE)).toBe(LARGE)
  })
})

test.each(SERVERS)('a narrow hop that sends ICMP is found out by the sender to %s', async (to) => {
  await withNetwork(async (network) => {
    const { client, link } = await build(network)
    await link.setMtu(NARROW_MTU)
    expect(await echoed(client, to, LARGE)).toBe(LARGE)
  })
})

test('nothing is left when the body ends, and nothing when it throws', async () => {
  const during: string[] = []
  const body = async (network: Network) => {
    const host = await network.addHost('one')
    host.spawn('sleep', ['600'], { stdio: 'ignore' })
    during.push(host.namespace)
    expect(await namespaces()).toContain(host.namespace)
  }
  await withNetwork(body)
  const failing = async (network: Network) => {
    await body(network)
    throw new Error('the body failed')
  }
  await expect(withNetwork(failing)).rejects.toThrow('the body failed')
  const after = await namespaces()
  expect(during).toHaveLength(2)
  for (const namespace of during) expect(after).not.toContain(namespace)
})

test('an abort takes the network down though the body never ends', async () => {
  const controller = new AbortController()
  let namespace = ''
  const run = withNetwork(
    async (network) => {
      namespace = (await network.addHost('one')).namespace
      controller.abort(new Error('enough'))
      await new Promise(() => {})
    },
    { signal: controller.signal },
  )
  await expect(run).rejects.toThrow('enough')
  expect(await namespaces()).not.toContain(namespace)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s takes the network and its processes down', async (signal) => {
  const { program, held } = await startHolder()
  expect(await namespaces()).toContain(held.namespace)
  program.kill(signal)
  const [code] = await once(program, 'exit')
  expect(code).toBe(7)
  expect(await namespaces()).not.toContain(held.namespace)
  expect(runs(held.child)).toBe(false)
})

test('what a killed run left behind is removed at the next start, processes included', async () => {
  const { program, held } = await startHolder()
  program.kill('SIGKILL')
  await once(program, 'exit')
  expect(await namespaces()).toContain(held.namespace)
  await withNetwork(async () => {})
  expect(await namespaces()).not.toContain(held.namespace)
  expect(runs(held.child)).toBe(false)
})

test('the namespaces of a run that lives are left alone', async () => {
  const { program, held } = await startHolder()
  await removeLeftovers(runCommand)
  expect(await namespaces()).toContain(held.namespace)
  program.kill('SIGTERM')
  await once(program, 'exit')
})

/** Whether the process runs; one that is dead and not yet collected by its parent does not. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

function namespaces(): Promise<string[]> {
  return listNamespaces(runCommand)
}

/** Starts the fixture and waits until it holds a namespace with a process in it. */
async function startHolder(): Promise<{ program: ChildProcess; held: { namespace: string; child: number } }> {
  const program = spawn(process.execPath, nodeProgram(import.meta.url, './interrupted.fixture'), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (program.stdout === null) throw new Error('the fixture has no output')
  const [line] = await once(createInterface(program.stdout), 'line')
  return { program, held: JSON.parse(String(line)) }
}
