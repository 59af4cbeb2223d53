import { createHash } from 'node:crypto'
import { EXTENSION, isNoGrease, numbers } from './hello-fields.ts'

/** What a fingerprint is made of. */
export type Hello = {
  version: number
  serverName: string | undefined
  ciphers: readonly number[]
  extensions: ReadonlyMap<number, Buffer>
  alpn: readonly string[]
}

const JA4_VERSIONS = new Map([
  [772, '13'],
  [771, '12'],
  [770, '11'],
  [769, '10'],
  [768, 's3'],
])

/** https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md */
export function fingerprintOf({ version, serverName, ciphers, extensions, alpn }: Hello): string {
  const suites = ciphers.filter(isNoGrease)
  const kinds = [...extensions.keys()].filter(isNoGrease)
  const two = (count: number) => String(Math.min(count, 99)).padStart(2, '0')
  const hex = (list: readonly number[]) => list.map((number) => number.toString(16).padStart(4, '0'))
  const [first = ''] = alpn
  const protocol = first === '' ? '00' : `${first[0]}${first.at(-1)}`
  const signatures = numbers(extensions.get(EXTENSION.signatures)?.subarray(2)).filter(isNoGrease)
  const sorted = hex(kinds.filter((kind) => kind !== EXTENSION.serverName && kind !== EXTENSION.alpn)).sort()
  const signed = signatures.length === 0 ? '' : `_${hex(signatures).join(',')}`
  const head = `t${JA4_VERSIONS.get(version) ?? '00'}${serverName === undefined ? 'i' : 'd'}${two(suites.length)}${two(kinds.length)}${protocol}`
  return `${head}_${shortHash(hex(suites).sort().join(','))}_${shortHash(`${sorted.join(',')}${signed}`)}`
}

function shortHash(text: string): string {
  return text === '' ? '000000000000' : createHash('sha256').update(text).digest('hex').slice(0, 12)
}
