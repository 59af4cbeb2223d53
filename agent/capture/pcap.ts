import { CaptureError } from './capture-error.ts'

/** One captured packet. */
export type Packet = {
  /** When, ms since 1970, with fractions. */
  at: number
  /** LINKTYPE_… number. Source: https://www.tcpdump.org/linktypes.html */
  link: number
  /** What was kept of it: these bytes from `start` up to `end`. No view of its own: a million of them would cost more than reading. */
  bytes: Buffer
  start: number
  end: number
}

/** Takes a capture piece by piece, as it comes from a file or a pipe. */
export type PacketReader = {
  /** The packets that are whole now; they are gone with the next call. @throws CaptureError */
  push(chunk: Buffer): Packet[]
  /** Bytes of a packet that never came whole. */
  rest(): number
}

/** Larger than any packet that a capture can hold: what is longer is no packet but a broken file. */
const MAX_PACKET = 1 << 20
const MAX_BLOCK = 1 << 24
const INITIAL_BUFFER = 1 << 17
const PCAPNG = 0x0a0d0d0a
const BYTE_ORDER = 0x1a2b3c4d

/**
 * Reads pcap (micro- and nanoseconds, either byte order) and pcapng.
 * Sources: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html and …-pcapng-03.html
 */
export function createPacketReader(): PacketReader {
  /** What came last, of which so much is read. One buffer used again, since one for each chunk stays until it is collected. */
  let buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BUFFER)
  let length = 0
  let read = 0
  let format: Format | undefined
  let offset = 0
  return {
    push(chunk) {
      append(chunk)
      const bytes = buffer.subarray(0, length)
      const packets: Packet[] = []
      let at = 0
      while (format !== undefined || length - at >= 4) {
        format ??= formatOf(bytes.readUInt32LE(at))
        const taken = format(bytes, at, packets, offset + at)
        if (taken === 0) break
        at += taken
      }
      offset += at
      read = at
      return packets
    },
    rest: () => length - read,
  }

  function append(chunk: Buffer): void {
    const left = length - read
    const room = left + chunk.length
    const target = room <= buffer.length ? buffer : Buffer.allocUnsafeSlow(2 * room)
    buffer.copy(target, 0, read, length)
    chunk.copy(target, left)
    buffer = target
    length = room
    read = 0
  }
}

/**
 * Takes the unit that begins at `at`, adds the packet it holds, and says how many bytes it took: 0 when it is not whole.
 * `offset` is its place in the whole capture.
 */
type Format = (bytes: Buffer, at: number, packets: Packet[], offset: number) => number

function formatOf(magic: number): Format {
  switch (magic) {
    case 0xa1b2c3d4:
      return pcap('LE', 1e3)
    case 0xd4c3b2a1:
      return pcap('BE', 1e3)
    case 0xa1b23c4d:
      return pcap('LE', 1e6)
    case 0x4d3cb2a1:
      return pcap('BE', 1e6)
    case PCAPNG:
      return pcapng()
    default:
      throw new CaptureError(
        `not a capture: it begins with ${magic.toString(16).padStart(8, '0')}; pcap and pcapng are read, also gzip`,
      )
  }
}

function pcap(order: 'LE' | 'BE', fractionsPerMs: number): Format {
  let link: number | undefined
  return (bytes, at, packets, offset) => {
    const u32 = (place: number) => (order === 'LE' ? bytes.readUInt32LE(place) : bytes.readUInt32BE(place))
    const available = bytes.length - at
    if (link === undefined) {
      if (available < 24) return 0
      // The upper half may say how long the frame check sequence is.
      link = u32(at + 20) & 0xffff
      return 24
    }
    if (available < 16) return 0
    const kept = u32(at + 8)
    if (kept > MAX_PACKET)
      throw new CaptureError(`a packet of ${kept} bytes at byte ${offset}: the capture is broken there`)
    if (available < 16 + kept) return 0
    const start = at + 16
    packets.push({ at: u32(at) * 1e3 + u32(at + 4) / fractionsPerMs, link, bytes, start, end: start + kept })
    return 16 + kept
  }
}

type Interface = { link: number; perMs: number }

function pcapng(): Format {
  let order: 'LE' | 'BE' = 'LE'
  let interfaces: Interface[] = []
  return (bytes, at, packets, offset) => {
    if (bytes.length - at < 12) return 0
    if (bytes.readUInt32LE(at) === PCAPNG) {
      order = bytes.readUInt32LE(at + 8) === BYTE_ORDER ? 'LE' : 'BE'
      interfaces = []
    }
    const u32 = (place: number) =>
      order === 'LE' ? bytes.readUInt32LE(at + place) : bytes.readUInt32BE(at + place)
    const u16 = (place: number) =>
      order === 'LE' ? bytes.readUInt16LE(at + place) : bytes.readUInt16BE(at + place)
    const length = u32(4)
    if (length < 12 || length % 4 !== 0 || length > MAX_BLOCK) {
      throw new CaptureError(`a block of ${length} bytes at byte ${offset}: the capture is broken there`)
    }
    if (bytes.length - at < length) return 0
    // The last four bytes are the length once more.
    const room = length - 4
    const hold = (time: number, { link }: Interface, from: number, kept: number) =>
      packets.push({ at: time, link, bytes, start: at + from, end: at + from + kept })
    if (u32(0) === 1 && length >= 20) {
      const body = bytes.subarray(at, at + room)
      interfaces.push({ link: u16(8), perMs: resolutionOf(body, u16) })
    } else if (u32(0) === 6 && length >= 32) {
      const from = interfaces[u32(8)]
      const kept = u32(20)
      if (from === undefined || 28 + kept > room) {
        throw new CaptureError(`a packet at byte ${offset} that fits neither its block nor any interface`)
      }
      hold((u32(12) * 2 ** 32 + u32(16)) / from.perMs, from, 28, kept)
    } else if (u32(0) === 3 && length >= 16) {
      const [from] = interfaces
      // A simple packet has no time.
      if (from !== undefined) hold(0, from, 12, Math.min(u32(8), room - 12))
    }
    return length
  }
}

/** Ticks per millisecond of an interface: option 9, a power of ten or of two; microseconds without it. */
function resolutionOf(body: Buffer, u16: (at: number) => number): number {
  for (let at = 16; at + 4 <= body.length; ) {
    const [code, length] = [u16(at), u16(at + 2)]
    if (code === 0) break
    if (code === 9 && length === 1) {
      const value = body[at + 4] ?? 6
      return (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value) / 1e3
    }
    at += 4 + Math.ceil(length / 4) * 4
  }
  return 1e3
}
