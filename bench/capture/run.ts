/**
 * Reading a capture of a million packets of handshakes, against tshark extracting the same fields from the same file in
 * the same run. The packets are real conversations of Node's TLS, each from an address of its own.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { converse, pcapOf, segmentsOf } from '../../agent/capture/testing.ts'
import { describeMachine, markdownTable, thousands } from '../machine.ts'

const execute = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const PACKETS = 1_000_000
const FIELDS = [
  'frame.time_epoch',
  'ip.src',
  'tcp.srcport',
  'ip.dst',
  'tcp.dstport',
  'tcp.flags',
  'tcp.analysis.retransmission',
  'tls.handshake.type',
  'tls.handshake.length',
  'tls.handshake.extensions_server_name',
  'tls.handshake.extensions_supported_group',
  'tls.handshake.extensions_alpn_str',
  'tls.handshake.version',
  'tls.handshake.ciphersuite',
  'tls.alert_message.level',
  'tls.alert_message.desc',
  'tls.record.content_type',
  'tls.record.length',
]

const folder = await mkdtemp(join(tmpdir(), 'halfshake-bench-'))
try {
  console.log('building …')
  await execute('npm', ['run', '--silent', 'build'], { cwd: ROOT })
  const file = join(folder, 'handshakes.pcap')
  console.log('making the capture …')
  const packets = await makeCapture(file)
  console.log(`${thousands(packets)} packets; reading …`)
  // As bin/halfshake starts it where there are no sources.
  const program = [
    '--max-semi-space-size=2',
    '--heap-growing-percent=40',
    join(ROOT, 'dist', 'cli', 'main.js'),
  ]
  const own = await measure(process.execPath, [...program, 'pcap', '--json', '--port', '443', file])
  console.log('tshark …')
  const fields = FIELDS.flatMap((field) => ['-e', field])
  const tshark = await measure('tshark', ['-r', file, '-Y', 'tcp.port==443', '-T', 'fields', ...fields])
  const table = report(packets, own, tshark, await versionOf())
  console.log(`\n${table}`)
  await writeFile(join(import.meta.dirname, 'RESULTS.md'), table)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Conversations of three kinds, again and again, each from another address and at a later time. */
async function makeCapture(file: string): Promise<number> {
  const kinds = [
    await converse(),
    await converse({}, { maxVersion: 'TLSv1.2' }),
    await converse({ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }),
  ].map((said) => segmentsOf(said))
  const out = createWriteStream(file)
  out.write(pcapOf([]))
  let packets = 0
  for (let number = 0; packets < PACKETS; number += 1) {
    const segments = (kinds[number % kinds.length] ?? []).map((segment) => ({
      ...segment,
      at: segment.at + number,
    }))
    const bytes = pcapOf(segments).subarray(24)
    readdress(bytes, number)
    packets += segments.length
    if (!out.write(bytes)) await once(out, 'drain')
  }
  out.end()
  await finished(out)
  return packets
}

/** Puts another client address, 10.x.y.z, into every packet. */
function readdress(bytes: Buffer, number: number): void {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8)
    const ip = at + 16 + 14
    const source = bytes[ip + 12] === 203 ? ip + 12 : ip + 16
    bytes.writeUInt32BE(0x0a000000 + (number % 0xffffff), source)
    at += 16 + length
  }
}

type Measured = { seconds: number; cpu: number; peak: number }

/** Wall time, CPU and peak memory of a program, as GNU time would say them; its output is thrown away. */
function measure(program: string, args: readonly string[]): Promise<Measured> {
  const started = Date.now()
  return new Promise((resolve, reject) => {
    const script =
      'import os,resource,subprocess,sys\np=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)\nr=resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(r.ru_utime+r.ru_stime,r.ru_maxrss*1024,p.returncode)'
    execFile('python3', ['-c', script, program, ...args], (error, stdout) => {
      if (error !== null) return reject(error)
      const [cpu = 0, peak = 0, code = 1] = stdout.trim().split(' ').map(Number)
      if (code !== 0) return reject(new Error(`${program} ended with ${code}`))
      resolve({ seconds: (Date.now() - started) / 1000, cpu, peak })
    })
  })
}

function versionOf(): Promise<string> {
  return new Promise((resolve) => {
    execFile('tshark', ['--version'], (_, stdout) => resolve(/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? 'unknown'))
  })
}

function report(packets: number, own: Measured, tshark: Measured, version: string): string {
  const row = (name: string, { seconds, cpu, peak }: Measured) => [
    name,
    thousands(packets / cpu),
    seconds.toFixed(1),
    (tshark.cpu / cpu).toFixed(1),
    `${Math.round(peak / 1e6)} MB`,
    (peak / tshark.peak).toFixed(2),
  ]
  const header = [
    'reader',
    'packets per CPU-second',
    'seconds',
    "of tshark's speed",
    'peak memory',
    "of tshark's memory",
  ]
  return `# Reading a capture of handshakes

${thousands(packets)} packets: full handshakes of TLS 1.3 and 1.2 and refused ones, each from another address. \`halfshake pcap --json\`
follows the connections, decides each and says why; tshark ${version} extracts the fields of which that is made (addresses, flags,
retransmissions, hellos, alerts, records), without JA4, which it does not know.
Measured with \`npm run bench -- capture\` on
${describeMachine()}.

${markdownTable(header, [row('Halfshake', own), row(`tshark ${version}`, tshark)])}
`
}
