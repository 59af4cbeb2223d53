import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { converse, pcapOf, segmentsOf } from '../agent/capture/testing.ts'
import { type Host, type Network, runCommand, withNetwork } from '../lab/network/index.ts'
import { PROGRAM } from './testing/processes.ts'

const GIGABYTE = 1_000_000_000
/** A TLS server on 443 that sends as many bytes as it is asked for, and an ingest on 8080 that takes everything. */
const SERVER = `
const { readFileSync } = require('fs')
const tls = { key: readFileSync(process.argv[1]), cert: readFileSync(process.argv[2]) }
const piece = Buffer.alloc(1 << 18)
require('https').createServer(tls, (request, answer) => {
  let left = Number(request.url.slice(1))
  const more = () => {
    while (left > 0) {
      const part = piece.subarray(0, Math.min(left, piece.length))
      left -= part.length
      if (!answer.write(part)) return answer.once('drain', more)
    }
    answer.end()
  }
  more()
}).listen(443, '::', () => console.log('listening'))
require('http').createServer((request, answer) => {
  request.resume().on('end', () => answer.writeHead(202, { 'content-type': 'application/json' }).end('{}'))
}).listen(8080, '127.0.0.1')
`
let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'halfshake-capture-'))
  const subject = ['-subj', '/CN=download.example.test', '-days', '2']
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await runCommand('openssl', ['req', '-x509', ...key, ...files, ...subject])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('halfshake capture', () => {
  it.each([
    ['IPv4', '192.0.2.2'],
    ['IPv6', '2001:db8::2'],
  ])(
    'sees under 1 % of the packets of a download of a gigabyte over %s, and the handshake',
    async (_, to) => {
      await withNetwork(async (network) => {
        const { client, server } = await build(network)
        const files = ['key.pem', 'certificate.pem'].map((name) => join(folder, name))
        const serving = server.spawn(process.execPath, ['-e', SERVER, ...files], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        await said(serving, /listening/)
        const capture = server.spawn(PROGRAM, ['capture', '--interface', 'to-client'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const all = output(capture)
        await said(capture, /Capturing/)
        const before = await packets(server)
        expect(await download(client, to, GIGABYTE)).toBe(GIGABYTE)
        const wire = (await packets(server)) - before
        capture.kill('SIGTERM')
        await once(capture, 'close')
        const [, segments, decided, delivered] =
          /(\d+) segments, (\d+) handshakes decided, (\d+) delivered/.exec(all()) ?? []
        expect([decided, delivered]).toEqual(['1', '1'])
        expect(Number(segments)).toBeGreaterThan(5)
        console.log(`${segments} of ${wire} packets were handed over`)
        expect(Number(segments) / wire).toBeLessThan(0.01)
      })
    },
    120_000,
  )

  it('watches all interfaces at once, and a tunnel, which have no VLANs', async () => {
    await withNetwork(async (network) => {
      const { server } = await build(network)
      await server.run('ip', ['tuntap', 'add', 'dev', 'tunnel0', 'mode', 'tun'])
      await server.run('ip', ['link', 'set', 'tunnel0', 'up'])
      for (const name of ['any', 'tunnel0', 'to-client', 'lo']) {
        const capture = server.spawn(PROGRAM, ['capture', '--interface', name], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        await said(capture, /Capturing/)
        capture.kill('SIGTERM')
        await once(capture, 'close')
        expect([name, capture.exitCode]).toEqual([name, 0])
      }
    })
  }, 120_000)

  it('shows its filter, and reads what tcpdump wrote with it', async () => {
    const shown = await runCommand(PROGRAM, [
      'capture',
      '--interface',
      'lo',
      '--port',
      '443',
      '--show-filter',
    ])
    for (const words of [await converse(), await converse({}, { maxVersion: 'TLSv1.2' })]) {
      const whole = pcapOf(segmentsOf(words))
      const filtered = await piped(['tcpdump', '-r', '-', '-w', '-', shown.trim()], whole)
      expect(filtered.length).toBeLessThan(whole.length)
      const [plain] = await eventsOf(whole, [])
      const [seen] = await eventsOf(filtered, ['--filtered'])
      const { outcome, tls_version, server_name, hello_bytes } = plain ?? {}
      expect(seen).toMatchObject({ outcome, tls_version, server_name, hello_bytes })
      expect(outcome).toBe('completed')
    }
  })
})

describe('halfshake pcap, over what OpenSSL says', () => {
  it.each([
    { name: 'resumption of TLS 1.2', version: 'TLSv1.2', server: ['-tls1_2'], first: [], second: [] },
    { name: 'resumption of TLS 1.3', version: 'TLSv1.3', server: ['-tls1_3'], first: [], second: [] },
    {
      name: 'early data',
      version: 'TLSv1.3',
      server: ['-tls1_3', '-early_data'],
      first: [],
      second: ['-early_data', '/etc/hostname'],
    },
    {
      name: 'a HelloRetryRequest',
      version: 'TLSv1.3',
      server: ['-groups', 'P-384'],
      first: ['-groups', 'X25519:P-384'],
      second: ['-groups', 'X25519:P-384'],
    },
  ])('reads $name', async ({ version, server, first, second }) => {
    const [events, handshakes] = await withNetwork(async (network) => {
      const host = await network.addHost('alone')
      const files = ['-key', join(folder, 'key.pem'), '-cert', join(folder, 'certificate.pem')]
      const serving = host.spawn('openssl', ['s_server', '-accept', '443', ...files, ...server], {
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      await said(serving, /ACCEPT/)
      const dump = host.spawn('tcpdump', ['-i', 'lo', '-U', '--immediate-mode', '-w', '-', 'tcp port 443'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const packets: Buffer[] = []
      dump.stdout?.on('data', (chunk: Buffer) => packets.push(chunk))
      // The header comes when it listens.
      await once(dump.stdout as NonNullable<typeof dump.stdout>, 'data')
      const session = join(folder, 'session.pem')
      rmSync(session, { force: true })
      // It stays until it has a ticket, which in TLS 1.3 comes after the handshake; and until the second was read.
      const openssl = (patience: string, ...flags: string[]) =>
        host.run('sh', [
          '-c',
          `(${patience}; echo Q) | openssl s_client -connect 127.0.0.1:443 -servername a.test "$@"`,
          'sh',
          ...flags,
        ])
      const ticket = `for i in $(seq 100); do [ -s '${session}' ] && break; sleep 0.1; done; sleep 0.2`
      const said1 = await openssl(ticket, '-sess_out', session, ...first)
      const said2 = await openssl('sleep 1', '-sess_in', session, ...second)
      dump.kill('SIGINT')
      await once(dump, 'close')
      return [await eventsOf(Buffer.concat(packets), []), said1 + said2] as const
    })
    expect(handshakes).toMatch(second.includes('-groups') ? /New, / : /Reused, /)
    if (second.includes('-early_data')) expect(handshakes).toMatch(/Early data was accepted/)
    expect(events).toEqual([
      expect.objectContaining({ outcome: 'completed', tls_version: version, server_name: 'a.test' }),
      expect.objectContaining({ outcome: 'completed', tls_version: version, server_name: 'a.test' }),
    ])
  })
})

async function build(network: Network): Promise<{ client: Host; server: Host }> {
  const client = await network.addHost('client')
  const server = await network.addHost('server')
  await network.addLink(
    { host: client, addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
    { host: server, addresses: ['192.0.2.2/24', '2001:db8::2/64'] },
  )
  // Packets of two processors overtake one another in a virtual link, as they would not in a cable.
  const oneProcessor = 'echo 1 > "/sys/class/net/$1/queues/rx-0/rps_cpus"'
  await client.run('sh', ['-c', oneProcessor, 'sh', 'to-server'])
  await server.run('sh', ['-c', oneProcessor, 'sh', 'to-client'])
  return { client, server }
}

/** Packets that went either way, as the device counts them: a super-segment counts once. */
async function packets(host: Host): Promise<number> {
  const files = ['rx_packets', 'tx_packets'].map((name) => `/sys/class/net/to-client/statistics/${name}`)
  const counts = await host.run('cat', files)
  return counts
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line), 0)
}

/** The bytes that arrived, in however long that takes on this machine. */
async function download(client: Host, from: string, bytes: number): Promise<number> {
  const url = `https://${from.includes(':') ? `[${from}]` : from}/${bytes}`
  const flags = ['--silent', '--show-error', '--insecure', '--output', '/dev/null']
  const curl = client.spawn('curl', [...flags, '--write-out', '%{size_download}', url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const arrived = output(curl)
  await once(curl, 'close')
  return Number(arrived())
}

function output(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return () => text
}

async function said(child: ChildProcess, words: RegExp): Promise<void> {
  const text = output(child)
  while (!words.test(text())) await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
}

async function eventsOf(capture: Buffer, flags: readonly string[]): Promise<Record<string, unknown>[]> {
  const lines = await piped([PROGRAM, 'pcap', '-', '--json', '--port', '443', ...flags], capture)
  return lines
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ conclusion, ...event }) => ({ ...event, outcome: conclusion.outcome }))
}

function piped([program = '', ...args]: readonly string[], input: Buffer): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin.end(input)
  return once(child, 'close').then(() => Buffer.concat(chunks))
}
