import { isIP } from 'node:net'
import { type Command, InvalidArgumentError } from 'commander'
import { examine, type Findings, judge, NameUnknown, type Verdict } from '../../doctor/index.ts'
import { fileText } from '../file-text.ts'
import type { Io } from '../io.ts'
import { UserError } from '../user-error.ts'

type Flags = {
  serverName?: string
  ca?: string
  timeout: number
  ipv4?: boolean
  ipv6?: boolean
  json?: boolean
}
type Place = { host: string; port: number }

const HTTPS = 443

export function registerDoctor(program: Command, io: Io): void {
  program
    .command('doctor')
    .description('from where you sit: can a TLS handshake with this server complete, and if not, why')
    .argument(
      '<host[:port]>',
      'the server: a name or an address, as example.com, 192.0.2.1:8443, [2001:db8::1]:443',
      place,
    )
    .option('--server-name <name>', 'the name to ask for, when the host is given as an address')
    .option('--ca <file>', 'authorities to trust besides the usual ones, PEM')
    .option('--timeout <ms>', 'how long each probe may take', milliseconds, 5_000)
    .option('-4, --ipv4', 'IPv4 alone')
    .option('-6, --ipv6', 'IPv6 alone')
    .option('--json', 'findings and verdicts, for programs')
    .action((at: Place, flags: Flags) => run(io, at, flags))
}

async function run(io: Io, { host, port }: Place, flags: Flags): Promise<void> {
  const verdicts = (await findingsOf(io, host, port, flags)).map((findings) => ({
    findings,
    verdict: judge(findings),
  }))
  const isFine = verdicts.every(({ verdict }) => verdict.fault === 'none')
  if (!isFine) process.exitCode = 1
  if (flags.json === true) {
    io.print(
      JSON.stringify({
        host,
        port,
        fine: isFine,
        addresses: verdicts.map(({ findings, verdict }) => ({ ...findings, verdict })),
      }),
    )
    return
  }
  for (const { findings, verdict } of verdicts) print(io, findings, verdict, port)
}

async function findingsOf(io: Io, host: string, port: number, flags: Flags): Promise<Findings[]> {
  const { serverName, ca, timeout, ipv4 = false, ipv6 = false } = flags
  const families = [4, 6] as const
  try {
    return await examine({
      ...{ host, port, serverName, patience: timeout, onProgress: io.progress },
      ca: ca === undefined ? undefined : authorities(ca),
      families: ipv4 === ipv6 ? families : families.filter((family) => (family === 4) === ipv4),
    })
  } catch (error) {
    throw error instanceof NameUnknown ? new UserError(error.message) : error
  }
}

/** Node takes a file without certificates for one without authorities, and says nothing. */
function authorities(file: string): string {
  const text = fileText('--ca', file)
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new UserError(`--ca is ${file}, which holds no certificate; allowed: certificates as PEM`)
}

function print(
  io: Io,
  { address, family }: Findings,
  { fault, sentence, evidence, advice }: Verdict,
  port: number,
): void {
  const paint = fault === 'none' ? io.green : io.red
  io.print(`${io.bold(`IPv${family}, ${address} port ${port}`)}: ${paint(`${sentence}.`)}`)
  for (const line of evidence) io.print(`  ${line}`)
  if (advice !== '') io.print(`  ${io.bold('To do:')} ${advice}`)
}

/** A name or an address, with or without a port; an IPv6 address with one stands in brackets. */
function place(text: string): Place {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? plain ?? (isIP(text) === 6 ? text : undefined)
  const port = digits === undefined ? HTTPS : Number(digits)
  if (host === undefined || port < 1 || port > 65_535) {
    throw new InvalidArgumentError(
      'a host, then :port from 1 to 65535 if it is not 443; an IPv6 address with a port stands in brackets',
    )
  }
  return { host, port }
}

function milliseconds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 500 && value <= 60_000) return value
  throw new InvalidArgumentError('a whole number of milliseconds from 500 to 60000')
}
