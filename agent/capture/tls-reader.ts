import { type ClientHello, readClientHello, readServerHello, type ServerHello } from './hello.ts'

/** What one side said, as far as it can be read without keys. */
export type TlsFacts = {
  clientHello: ClientHello | undefined
  serverHello: ServerHello | undefined
  /** Whether the first bytes were no TLS record, and what they looked like. */
  notTls: 'http' | 'other' | undefined
  /** An alert that could be read. */
  alert: { level: number; description: number } | undefined
  /** ChangeCipherSpec, and a handshake record after it: the Finished of TLS 1.2 and before. */
  changedCipher: boolean
  finished: boolean
  /** Lengths of the records of application data, which in TLS 1.3 hide everything after the hellos. */
  hidden: number[]
}

export type TlsReader = { push(bytes: Buffer): void; readonly facts: TlsFacts }

const RECORD = { changeCipher: 20, alert: 21, handshake: 22, data: 23, heartbeat: 24 } as const
/** RFC 8446 section 5.2 allows 2^14 + 256, RFC 5246 2^14 + 2048. */
const MAX_RECORD = 16_384 + 2_048
const MAX_HELLO = 65_536
const MAX_HIDDEN = 64
const HELLO = { client: 1, server: 2 } as const

/** Reads one side's bytes in order. It keeps hellos alone: all else is passed over as it comes. Never throws. */
export function createTlsReader(): TlsReader {
  const facts: TlsFacts = {
    ...{ clientHello: undefined, serverHello: undefined, notTls: undefined, alert: undefined },
    ...{ changedCipher: false, finished: false, hidden: [] },
  }
  /** The beginning of a record that is not whole yet: its header, or a short record's body. */
  let waiting: Buffer = Buffer.alloc(0)
  let record: { type: number; length: number; left: number } | undefined
  let lost = false
  let seen = false
  const message = createMessages(facts)

  return {
    facts,
    push(bytes) {
      if (lost || facts.notTls !== undefined) return
      let rest = bytes
      while (rest.length > 0 && !lost) rest = record === undefined ? header(rest) : body(rest, record)
    },
  }

  function header(bytes: Buffer): Buffer {
    const all = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes])
    const first = all[0] ?? 0
    if (first < RECORD.changeCipher || first > RECORD.heartbeat || (all.length > 1 && all[1] !== 3))
      return refuse(all)
    if (all.length < 5) {
      waiting = Buffer.from(all)
      return EMPTY
    }
    waiting = EMPTY
    const length = all.readUInt16BE(3)
    if (length > MAX_RECORD) return refuse(all)
    record = { type: first, length, left: length }
    begin(first, length)
    seen = true
    if (length === 0) record = undefined
    return all.subarray(5)
  }

  function begin(type: number, length: number): void {
    if (type === RECORD.changeCipher) facts.changedCipher = true
    else if (type === RECORD.data && facts.hidden.length < MAX_HIDDEN) facts.hidden.push(length)
    else if (type === RECORD.handshake && facts.changedCipher) facts.finished = true
  }

  function body(bytes: Buffer, now: { type: number; length: number; left: number }): Buffer {
    const part = bytes.subarray(0, now.left)
    if (now.type === RECORD.handshake && !facts.changedCipher) message(part)
    if (now.type === RECORD.alert && now.length === 2) {
      waiting = Buffer.concat([waiting, part])
      if (waiting.length === 2) {
        facts.alert ??= { level: waiting[0] ?? 0, description: waiting[1] ?? 0 }
        waiting = EMPTY
      }
    }
    now.left -= part.length
    if (now.left === 0) record = undefined
    return bytes.subarray(part.length)
  }

  function refuse(bytes: Buffer): Buffer {
    // Only the first bytes of a side say that it speaks no TLS; later on something of it was not captured.
    if (!seen) facts.notTls = /^[A-Z]{3,8} |^HTTP\//.test(bytes.toString('latin1', 0, 16)) ? 'http' : 'other'
    lost = true
    return EMPTY
  }
}

/** Cuts handshake messages out of records, however they are split, and reads the hellos. */
function createMessages(facts: TlsFacts): (bytes: Buffer) => void {
  let head: Buffer = EMPTY
  let hello: { type: number; parts: Buffer[]; left: number; length: number } | undefined
  let skip = 0
  return (bytes) => {
    let rest = bytes
    while (rest.length > 0) {
      if (skip > 0) {
        const passed = Math.min(skip, rest.length)
        skip -= passed
        rest = rest.subarray(passed)
      } else if (hello !== undefined) {
        const part = rest.subarray(0, hello.left)
        hello.parts.push(Buffer.from(part))
        hello.left -= part.length
        rest = rest.subarray(part.length)
        if (hello.left === 0) {
          keep(hello)
          hello = undefined
        }
      } else {
        const all = Buffer.concat([head, rest])
        if (all.length < 4) {
          head = all
          return
        }
        head = EMPTY
        const length = all.readUIntBE(1, 3)
        const type = all[0] ?? 0
        const isHello = (type === HELLO.client || type === HELLO.server) && length <= MAX_HELLO
        if (isHello && length > 0) hello = { type, parts: [], left: length, length }
        else skip = length
        rest = all.subarray(4)
      }
    }
  }

  function keep({ type, parts, length }: { type: number; parts: Buffer[]; length: number }): void {
    const body = Buffer.concat(parts)
    // After a HelloRetryRequest there are two of each: the first ClientHello met the path, the last ServerHello counts.
    if (type === HELLO.client) facts.clientHello ??= readClientHello(body, length + 4)
    else facts.serverHello = readServerHello(body) ?? facts.serverHello
  }
}

const EMPTY: Buffer = Buffer.alloc(0)
