import { createHash } from 'node:crypto'
import type { TlsVersion } from '../../core/event/fields.ts'
import { EMPTY, EXTENSION, FieldReader, isNoGrease, numbers } from './hello-fields.ts'
import { fingerprintOf } from './ja4.ts'

export type ClientHello = {
  /** Bytes of the handshake message, its header included. */
  bytes: number
  serverName: string | undefined
  alpn: readonly string[]
  /** Named groups offered, and whether one of them is post-quantum. */
  groups: readonly number[]
  postQuantum: boolean
  earlyData: boolean
  /** https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md */
  ja4: string
}

export type ServerHello = {
  version: TlsVersion | undefined
  cipher: number
  retry: boolean
}

/** ML-KEM alone and with a classical group, and the draft of Kyber that came before (IANA TLS Supported Groups). */
const POST_QUANTUM = new Set([512, 513, 514, 4587, 4588, 4589, 0x6399, 0x639a, 0xfe30, 0xfe31])
const VERSIONS = new Map<number, TlsVersion>([
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
  [0x0304, 'TLSv1.3'],
])
/** SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3). */
const RETRY = createHash('sha256').update('HelloRetryRequest').digest()

/** What a ClientHello tells besides its length and whom it asks for: the same for all hellos of a client program. */
type Kind = Omit<ClientHello, 'bytes' | 'serverName'>

/** Clients are of few kinds, and reading a list takes longer than to see that one knows it. */
const known = new Map<string, Kind>()
const MAX_KINDS = 4_096

/** A ClientHello's body; undefined when it is not one. Never throws. */
export function readClientHello(body: Buffer, bytes: number): ClientHello | undefined {
  const sketch = sketchOf(body)
  const kind = sketch === undefined ? undefined : known.get(sketch.key)
  if (sketch === undefined || kind === undefined) return readWhole(body, bytes, sketch?.key)
  const { alpn, groups, postQuantum, earlyData, ja4 } = kind
  return { bytes, serverName: sketch.serverName, alpn, groups, postQuantum, earlyData, ja4 }
}

function readWhole(body: Buffer, bytes: number, key: string | undefined): ClientHello | undefined {
  const reader = new FieldReader(body)
  const legacy = reader.u16()
  reader.skip(32)
  reader.bytes(reader.u8())
  const ciphers = numbers(reader.bytes(reader.u16()))
  reader.bytes(reader.u8())
  const extensions = readExtensions(reader)
  if (reader.broken) return undefined
  const groups = numbers(extensions.get(EXTENSION.groups)?.subarray(2))
  const alpn = names(extensions.get(EXTENSION.alpn)?.subarray(2))
  const serverName = readServerName(extensions.get(EXTENSION.serverName))
  const offered = numbers(extensions.get(EXTENSION.versions)?.subarray(1)).filter(isNoGrease)
  const version = offered.length === 0 ? legacy : Math.max(...offered)
  const kind = {
    alpn,
    groups,
    postQuantum: groups.some((group) => POST_QUANTUM.has(group)),
    earlyData: extensions.has(EXTENSION.earlyData),
    ja4: fingerprintOf({ version, serverName, ciphers, extensions, alpn }),
  }
  if (key !== undefined) {
    if (known.size >= MAX_KINDS) known.clear()
    known.set(key, kind)
  }
  return { bytes, serverName, ...kind }
}

/** Where sketches are put together. A longer one is not remembered. */
const SKETCH = Buffer.alloc(1_024)
/** The extensions whose contents say something of the client program. */
const TELLING: ReadonlySet<number> = new Set([
  EXTENSION.groups,
  EXTENSION.signatures,
  EXTENSION.alpn,
  EXTENSION.versions,
])

/** All that a kind is read from, as one text, and the server name; undefined for what is broken or long. */
function sketchOf(body: Buffer): { key: string; serverName: string | undefined } | undefined {
  const ciphersAt = 35 + (body[34] ?? 0)
  if (ciphersAt + 2 > body.length) return undefined
  const compressionAt = ciphersAt + 2 + body.readUInt16BE(ciphersAt)
  const extensionsAt = compressionAt + 1 + (body[compressionAt] ?? 0)
  if (extensionsAt + 2 > body.length) return undefined
  const end = extensionsAt + 2 + body.readUInt16BE(extensionsAt)
  if (end > body.length || compressionAt - ciphersAt > SKETCH.length / 2) return undefined
  let length = 3 + body.copy(SKETCH, 3, ciphersAt, compressionAt)
  let serverName: string | undefined
  for (let at = extensionsAt + 2; at < end; ) {
    if (at + 4 > end) return undefined
    const type = body.readUInt16BE(at)
    const next = at + 4 + body.readUInt16BE(at + 2)
    const isTelling = TELLING.has(type)
    const size = isTelling ? next - at : 2
    if (next > end || length + size > SKETCH.length) return undefined
    if (type === EXTENSION.serverName) serverName = readServerName(body.subarray(at + 4, next))
    if (isTelling) body.copy(SKETCH, length, at, next)
    else SKETCH.writeUInt16BE(type, length)
    length += size
    at = next
  }
  SKETCH[0] = serverName === undefined ? 0 : 1
  body.copy(SKETCH, 1, 0, 2)
  return { key: SKETCH.toString('latin1', 0, length), serverName }
}

export function readServerHello(body: Buffer): ServerHello | undefined {
  const reader = new FieldReader(body)
  const legacy = reader.u16()
  const random = reader.bytes(32)
  reader.bytes(reader.u8())
  const cipher = reader.u16()
  reader.skip(1)
  if (reader.broken) return undefined
  const chosen = readExtensions(reader).get(EXTENSION.versions)
  const version = chosen?.length === 2 ? chosen.readUInt16BE(0) : legacy
  // Drafts of TLS 1.3 are 0x7f00 and the draft's number.
  const known = version >> 8 === 0x7f ? 'TLSv1.3' : VERSIONS.get(version)
  return { version: known, cipher, retry: random.equals(RETRY) }
}

function readExtensions(reader: FieldReader): Map<number, Buffer> {
  const extensions = new Map<number, Buffer>()
  if (reader.left() < 2) return extensions
  const block = new FieldReader(reader.bytes(reader.u16()))
  while (block.left() >= 4 && !block.broken) extensions.set(block.u16(), block.bytes(block.u16()))
  return extensions
}

function readServerName(extension: Buffer | undefined): string | undefined {
  if (extension === undefined) return undefined
  const reader = new FieldReader(extension)
  reader.u16()
  const type = reader.u8()
  const name = reader.bytes(reader.u16())
  return reader.broken || type !== 0 || name.length === 0 ? undefined : name.toString('latin1')
}

function names(list: Buffer | undefined): string[] {
  const found: string[] = []
  const reader = new FieldReader(list ?? EMPTY)
  while (reader.left() > 0 && !reader.broken) found.push(reader.bytes(reader.u8()).toString('latin1'))
  return found
}
