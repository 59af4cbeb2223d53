import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificates, makeCertificates, SERVER_NAME } from '../lab/matrix/certificates.ts'
import * as faults from '../lab/matrix/faults.ts'
import { buildPath, type Path, SERVER } from '../lab/matrix/topology.ts'
import { type Host, runCommand, withNetwork } from '../lab/network/index.ts'
import { PROGRAM } from './testing/processes.ts'

const PORT = 443
/** A server of HTTPS that answers with as many bytes as it is told. */
const HTTPS = `
const { readFileSync } = require('fs')
const [key, cert, bytes] = process.argv.slice(1)
const tls = { key: readFileSync(key), cert: readFileSync(cert) }
const server = require('https').createServer(tls, (_, answer) => answer.end(Buffer.alloc(Number(bytes))))
server.listen(${PORT}, '::', () => console.log('listening'))
`
const PLAIN = `require('http').createServer((_, answer) => answer.end()).listen(${PORT}, '::', () => console.log('listening'))`
/** A filter that ends what names this server, as it stands in a ClientHello; the name alone is looked for. */
const NAME_FILTER = `
const { connect, createServer } = require('net')
createServer((client) => {
  client.once('data', (hello) => {
    if (hello.includes('${SERVER_NAME}')) return client.resetAndDestroy()
    const server = connect(${PORT + 1}, '::1', () => { server.write(hello); client.pipe(server).pipe(client) })
    server.on('error', () => client.destroy())
  }).on('error', () => {})
}).listen(${PORT}, '::', () => console.log('listening'))
`
const POST_QUANTUM = [0x11, 0xec]
/** A box that ends what offers a post-quantum group. */
const GROUP_FILTER = NAME_FILTER.replace(
  `hello.includes('${SERVER_NAME}')`,
  `hello.includes(Buffer.from(${JSON.stringify([...POST_QUANTUM])}))`,
)

let folder = ''
let certificates: Certificates
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'halfshake-doctor-'))
  certificates = await makeCertificates(folder)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Case = {
  name: string
  fault?: faults.Fault
  serve?: (server: Host) => ChildProcess[]
  expected: string
  sentence: RegExp
  pathMtu?: { bytes: number; atLeast: boolean }
}

const https = (server: Host, { key, cert } = certificates.rsaChain, port = PORT) =>
  start(server, HTTPS.replaceAll(String(PORT), String(port)), [key, cert, '20000'])

const CASES: Case[] = [
  {
    name: 'a clean path',
    expected: 'none',
    sentence: /nothing is wrong/,
    pathMtu: { bytes: 1_500, atLeast: true },
  },
  {
    name: 'a path MTU hole',
    fault: faults.mtuHole,
    serve: (server) => [https(server, certificates.ecdsa)],
    expected: 'mtu_inbound',
    sentence: /up to 1320 bytes they are answered, from 1360 bytes on they are not/,
    pathMtu: { bytes: 1_400, atLeast: false },
  },
  {
    name: 'a path MTU hole before a server with a long chain',
    fault: faults.mtuHole,
    expected: 'mtu_outbound',
    sentence: /small answers arrive here and its full-size segments do not/,
    pathMtu: { bytes: 1_400, atLeast: false },
  },
  { name: 'a clamped MSS', fault: faults.clampedHole, expected: 'none', sentence: /nothing is wrong/ },
  {
    name: 'data lost on the way in',
    fault: faults.deadInbound,
    expected: 'path_inbound',
    sentence: /nor acknowledged/,
  },
  {
    name: 'data lost on the way out',
    fault: faults.deadOutbound,
    expected: 'path_outbound',
    sentence: /nothing comes back/,
  },
  {
    name: 'a tenth of all packets lost',
    fault: faults.randomLoss(10),
    expected: 'none',
    sentence: /nothing is wrong/,
  },
  { name: 'no server', serve: () => [], expected: 'refused', sentence: /refused/ },
  {
    name: 'a server of HTTP',
    serve: (server) => [start(server, PLAIN)],
    expected: 'server_not_tls',
    sentence: /speaks no TLS \("HTTP\/1.1 400/,
  },
  {
    name: 'a certificate that has expired',
    serve: (server) => [https(server, certificates.expired)],
    expected: 'certificate',
    sentence: /CERT_HAS_EXPIRED.*issued by halfshake lab root/,
  },
  {
    name: 'a certificate of another name',
    serve: (server) => [https(server, certificates.otherName)],
    expected: 'certificate',
    sentence: /ERR_TLS_CERT_ALTNAME_INVALID|altnames/,
  },
  {
    name: 'a filter that looks at names',
    serve: (server) => [https(server, certificates.ecdsa, PORT + 1), start(server, NAME_FILTER)],
    expected: 'name_filtered',
    sentence: /reset when the ClientHello has this server name/,
  },
  {
    name: 'a box that knows no post-quantum group',
    serve: (server) => [https(server, certificates.ecdsa, PORT + 1), start(server, GROUP_FILTER)],
    expected: 'post_quantum_refused',
    sentence: /reset when the ClientHello has a post-quantum key/,
  },
]

describe('halfshake doctor', () => {
  it.each(CASES)(
    'over $name: $expected',
    async (one) => {
      const { code, output } = await examined(one)
      const { fine, addresses } = JSON.parse(output)
      for (const { family, verdict, pathMtu } of addresses) {
        expect([family, verdict.fault], verdict.evidence.join('\n')).toEqual([family, one.expected])
        expect(verdict.sentence).toMatch(one.sentence)
        if (one.pathMtu !== undefined) expect(pathMtu).toEqual(one.pathMtu)
        expect(verdict.advice === '').toBe(one.expected === 'none')
      }
      expect(addresses.map(({ family }: { family: number }) => family)).toEqual([4, 6])
      expect(fine).toBe(one.expected === 'none')
      expect(code).toBe(fine ? 0 : 1)
    },
    120_000,
  )

  it('says which name has no address, and what a place looks like', async () => {
    await expect(runCommand(PROGRAM, ['doctor', 'nowhere.invalid'])).rejects.toThrow(
      /nowhere.invalid has no address/,
    )
    await expect(runCommand(PROGRAM, ['doctor', 'a:b'])).rejects.toThrow(/a host, then :port/)
    await expect(runCommand(PROGRAM, ['doctor', '127.0.0.1', '-6'])).rejects.toThrow(/no address of IPv6/)
  })
})

/** Both families of a server are examined, each by its own call, and put together. */
async function examined(one: Case) {
  const { fault, serve = (server: Host) => [https(server)] } = one
  return withNetwork(async (network) => {
    const path: Path = await buildPath(network, CASES.indexOf(one))
    // The matrix's clients have addresses of their own; the doctor comes from the host's.
    await path.far.addRoute('198.51.100.0/30', '10.0.0.1')
    await path.far.addRoute('2001:db8:1::/64', 'fd00::1')
    await fault?.(path)
    for (const child of serve(path.server))
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
    const results = await Promise.all(Object.values(SERVER).map((address) => doctor(path.client, address)))
    const parsed = results.map(({ output }) => JSON.parse(output))
    return {
      code: Math.max(...results.map(({ code }) => code)),
      output: JSON.stringify({
        fine: parsed.every(({ fine }) => fine),
        addresses: parsed.flatMap(({ addresses }) => addresses),
      }),
    }
  })
}

function doctor({ namespace }: Host, address: string): Promise<{ code: number; output: string }> {
  const flags = ['--server-name', SERVER_NAME, '--ca', certificates.ca, '--timeout', '4000', '--json']
  return new Promise((resolve) => {
    execFile(
      'ip',
      ['netns', 'exec', namespace, PROGRAM, 'doctor', address, ...flags],
      (error, output, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), output: output || stderr }),
    )
  })
}

function start(host: Host, script: string, args: readonly string[] = []): ChildProcess {
  return host.spawn(process.execPath, ['-e', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}
