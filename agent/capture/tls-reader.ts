import { type ClientHello, readClientHello, readServerHello, type ServerHello } from './hello.ts'

/** What one side said, as far as it can be read without keys. */
export type TlsFacts = {
  clientHello: ClientHello | undefined
  /** How long a ClientHello said it would be that came in pieces: its bytes as a handshake message. */
  announced: number | undefined
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

const RECORD = { changeCipher: 20, alert: 21, handshake: 22, data: 23, heartbeat: 24 } as const
/** RFC 8446 section 5.2 allows 2^14 + 256, RFC 5246 2^14 + 2048. */
const MAX_RECORD = 16_384 + 2_048
const MAX_HELLO = 65_536
const MAX_HIDDEN = 64
const HELLO = { client: 1, server: 2 } as const
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
const EMPTY: Buffer = Buffer.alloc(0)
/** How a request begins, or an answer (RFC 9110 section 9.3, RFC 5789; PRI: RFC 9113 section 3.4). */
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) |^HTTP\//

/** Reads one side's bytes in order. It keeps hellos alone: all else is passed over as it comes. Never throws. */
export class TlsReader {
  readonly facts: TlsFacts = {
    clientHello: undefined,
    announced: undefined,
    serverHello: undefined,
    notTls: undefined,
    alert: undefined,
    changedCipher: false,
    finished: false,
    hidden: [],
  }
  readonly #messages = new MessageReader(this.facts)
  /** The beginning of a record's header, or of an alert, that is not whole yet. */
  #waiting: Buffer = EMPTY
  /** The record that is being read: its type, its length, and how much of it is still to come. */
  #type = 0
  #length = 0
  #left = 0
  #lost = false
  #seen = false
  #searching = false

  /** Something was left out: what comes next is read from the first piece on that begins with a record. */
  skip(): void {
    // What was begun came whole, or nothing would follow it.
    if (this.#left > 0) this.#finish()
    this.#messages.skip()
    this.#waiting = EMPTY
    this.#left = 0
    this.#searching = true
  }

  push(bytes: Buffer): void {
    if (this.#searching && !beginsRecord(bytes)) return
    this.#searching = false
    for (let at = 0; at < bytes.length && !this.#lost; )
      at = this.#left === 0 ? this.#header(bytes, at) : this.#body(bytes, at)
  }

  /** Takes a header, or what there is of one; returns where it ends. */
  #header(bytes: Buffer, at: number): number {
    const missing = RECORD_HEADER - this.#waiting.length
    const part = bytes.subarray(at, at + missing)
    const header = this.#waiting.length === 0 ? part : Buffer.concat([this.#waiting, part])
    const type = header[0] ?? 0
    const isRecord = type >= RECORD.changeCipher && type <= RECORD.heartbeat
    if (!isRecord || (header.length > 1 && header[1] !== 3))
      return this.#refuse(header, bytes.subarray(at + missing))
    if (header.length < RECORD_HEADER) {
      this.#waiting = Buffer.from(header)
      return bytes.length
    }
    this.#waiting = EMPTY
    const length = header.readUInt16BE(3)
    if (length > MAX_RECORD) return this.#refuse(header, bytes.subarray(at + missing))
    this.#type = type
    this.#length = length
    this.#left = length
    this.#seen = true
    if (type === RECORD.changeCipher) this.facts.changedCipher = true
    if (length === 0) this.#finish()
    return at + missing
  }

  /** The record is whole: only then its receiver can read it. */
  #finish(): void {
    const { facts } = this
    if (this.#type === RECORD.data && facts.hidden.length < MAX_HIDDEN) facts.hidden.push(this.#length)
    else if (this.#type === RECORD.handshake && facts.changedCipher) facts.finished = true
  }

  #body(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left)
    this.#left -= end - at
    if (this.#type === RECORD.handshake && !this.facts.changedCipher)
      this.#messages.push(bytes.subarray(at, end))
    if (this.#type === RECORD.alert && this.#length === 2) this.#alert(bytes.subarray(at, end))
    if (this.#left === 0) this.#finish()
    return end
  }

  #alert(part: Buffer): void {
    const alert = Buffer.concat([this.#waiting, part])
    this.#waiting = this.#left === 0 ? EMPTY : alert
    if (this.#left === 0) this.facts.alert ??= { level: alert[0] ?? 0, description: alert[1] ?? 0 }
  }

  /** Only the first bytes of a side say that it speaks no TLS; later on something of it was not captured. */
  #refuse(header: Buffer, rest: Buffer): number {
    this.#lost = true
    if (this.#seen) return 0
    const text = header.toString('latin1') + rest.toString('latin1', 0, 16)
    this.facts.notTls = HTTP.test(text) ? 'http' : 'other'
    return 0
  }
}

/** Whether these bytes begin with a record's header: of random ones, one in seventy million do. */
function beginsRecord(bytes: Buffer): boolean {
  if (bytes.length < RECORD_HEADER) return false
  const type = bytes[0] ?? 0
  const minor = bytes[2] ?? 0
  const isRecord = type >= RECORD.changeCipher && type <= RECORD.data && bytes[1] === 3 && minor <= 4
  return isRecord && bytes.readUInt16BE(3) <= MAX_RECORD
}

/** Cuts handshake messages out of records, however they are split, and reads the hellos. */
class MessageReader {
  readonly #facts: TlsFacts
  /** Pieces of a message that is not whole yet, how many bytes they are, and how many it takes to go on. */
  #pieces: Buffer[] = []
  #have = 0
  #need = MESSAGE_HEADER
  /** Bytes of other messages still to be passed over. */
  #skip = 0

  constructor(facts: TlsFacts) {
    this.#facts = facts
  }

  push(part: Buffer): void {
    if (this.#have + part.length < this.#need) {
      this.#wait(part)
      return
    }
    const bytes = this.#have === 0 ? part : Buffer.concat([...this.#pieces, part])
    this.#pieces = []
    this.#have = 0
    this.#need = MESSAGE_HEADER
    for (let at = 0; at < bytes.length; ) {
      const taken = this.#skip > 0 ? this.#pass(bytes.length - at) : this.#message(bytes, at)
      if (taken === 0) {
        this.#wait(bytes.subarray(at))
        return
      }
      at += taken
    }
  }

  /** Something was left out, and with it the rest of what is waiting. */
  skip(): void {
    this.#pieces = []
    this.#have = 0
    this.#need = MESSAGE_HEADER
    this.#skip = 0
  }

  #wait(part: Buffer): void {
    // A copy: the packet lies in a buffer that is much larger and would be kept alive.
    this.#pieces.push(Buffer.from(part))
    this.#have += part.length
  }

  #pass(available: number): number {
    const passed = Math.min(this.#skip, available)
    this.#skip -= passed
    return passed
  }

  /** How many bytes it took: 0 when it needs more. */
  #message(bytes: Buffer, at: number): number {
    if (bytes.length - at < MESSAGE_HEADER) return 0
    const type = bytes[at]
    const length = bytes.readUIntBE(at + 1, 3)
    if ((type !== HELLO.client && type !== HELLO.server) || length > MAX_HELLO) {
      this.#skip = length
      return MESSAGE_HEADER
    }
    const facts = this.#facts
    this.#need = MESSAGE_HEADER + length
    if (bytes.length - at < this.#need) {
      if (type === HELLO.client) facts.announced ??= this.#need
      return 0
    }
    const body = bytes.subarray(at + MESSAGE_HEADER, at + this.#need)
    // After a HelloRetryRequest there are two of each: the first ClientHello met the path, the last ServerHello counts.
    if (type === HELLO.client) facts.clientHello ??= readClientHello(body, this.#need)
    else facts.serverHello = readServerHello(body) ?? facts.serverHello
    this.#need = MESSAGE_HEADER
    return MESSAGE_HEADER + length
  }
}
