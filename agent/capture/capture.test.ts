import { Readable } from 'node:stream'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseEvent } from '../../core/event/index.ts'
import { CaptureError, createFlows, type Decided, type FlowOptions, readCapture } from './index.ts'
import { converse, type Draft, FLAG, LINKS, pcapOf, type Said, segmentsOf } from './testing.ts'

/** Of the PROXY protocol, version 2. */
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

let said: Said[]
let said12: Said[]
let capture: Buffer
beforeAll(async () => {
  said = await converse()
  said12 = await converse({}, { maxVersion: 'TLSv1.2' })
  capture = pcapOf(segmentsOf(said))
})

describe('a capture of a completed handshake', () => {
  it.each(Object.keys(LINKS))('is read from %s, IPv4 and IPv6', async (name) => {
    const link = LINKS[name] as (typeof LINKS)[string]
    for (const [version, address] of [
      [4, '203.0.113.7'],
      [6, '2001:db8:c::7'],
    ] as const) {
      const [one, ...more] = await read(pcapOf(segmentsOf(said), link, version))
      expect(more).toEqual([])
      expect(one?.event).toMatchObject({
        state: 'active',
        source_address: address,
        source_port: 40_000,
        destination_port: 443,
        server_name: 'www.example.test',
        tls_version: 'TLSv1.3',
        hello_post_quantum: false,
        tcp_mss: 1_460,
        tcp_ooo: 0,
        tcp_retrans: 0,
      })
      expect(one?.ja4).toMatch(/^t13d\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}$/)
      expect(parseEvent(JSON.stringify(one?.event))).toMatchObject({ ok: true })
    }
  })

  it.each([1, 2, 7, 100])(
    'is read from segments of %i bytes, whatever the order in which they come',
    async (mss) => {
      for (const words of [said, said12]) {
        const segments = segmentsOf(words, { mss })
        const [plain] = await read(pcapOf(segments))
        expect(plain?.event).toMatchObject({ state: 'active' })
        const [swapped] = await read(pcapOf(neighboursSwapped(segments)))
        expect(swapped?.event).toMatchObject({ state: 'active', server_name: 'www.example.test' })
        const [twice] = await read(pcapOf(segments.flatMap((segment) => [segment, segment])))
        expect(twice?.event).toMatchObject({ state: 'active' })
      }
    },
  )

  it('is read where segments overlap, and from pieces of the file of any size', async () => {
    const segments = segmentsOf(said, { mss: 100 })
    const overlapping = segments.flatMap((segment, i) => {
      const before = segments[i - 1]
      const follows =
        before !== undefined &&
        before.by === segment.by &&
        before.bytes.length > 0 &&
        segment.bytes.length > 0
      return follows ? [joined(before, segment)] : [segment]
    })
    const [one] = await read(pcapOf(overlapping), {}, 13)
    expect(one?.event).toMatchObject({ state: 'active' })
  })

  it('is read without its beginning, from the ClientHello on', async () => {
    const [one] = await read(pcapOf(segmentsOf(said).slice(3)))
    expect(one?.event).toMatchObject({ state: 'active', source_port: 40_000 })
  })

  it('is none where the connection was already in use when the capture began', async () => {
    const APPLICATION_DATA = 23
    const after = segmentsOf(said).filter(({ bytes }) => bytes.length === 0 || bytes[0] === APPLICATION_DATA)
    expect(await read(pcapOf(after.slice(3)))).toEqual([])
  })

  it('says how much of a capture is cut off', async () => {
    const flows = createFlows(OPTIONS)
    const chunks = Readable.from([capture.subarray(0, -7)])
    for await (const some of readCapture(chunks, flows)) {
      for (const { event } of some) expect(event.state).toBe('active')
    }
    expect(flows.counts.cutOff).toBeGreaterThan(0)
    expect(flows.counts.cutOff).toBeLessThan(100)
  })

  it.each(['client', 'server'] as const)('goes on after a forged reset of the %s', async (by) => {
    const segments = segmentsOf(said)
    const place = segments.findIndex((one) => one.by === 'client' && one.bytes.length > 0) + 1
    const sent = segments.slice(0, place + 1).findLast((one) => one.by === by) as Draft
    const forged = {
      ...sent,
      flags: FLAG.rst,
      sequence: (sent.sequence + 30_000) >>> 0,
      bytes: Buffer.alloc(0),
    }
    const all = segments.toSpliced(place, 0, forged)
    expect(await events(all)).toMatchObject([{ state: 'active' }])
    const [event] = await events(all.slice(0, place + 1), { until: 20_000 })
    expect(event).toMatchObject(by === 'client' ? { ended_by: 'reset' } : { error: 'server_closed' })
  })

  it('is complete although the clock was set back an hour, after which its time would be up at once', async () => {
    const earlier = segmentsOf(said).map((one) => ({ ...one, at: one.at - 3_600_000 }))
    const decided = await events([...segmentsOf(said.slice(0, 1)), ...earlier])
    expect(decided).toMatchObject([{ error: 'capture_ended' }, { state: 'active' }])
  })

  it('is none of the one before it whose ports it has, answered or not', async () => {
    const next = segmentsOf(said).map(({ by, sequence, acknowledged, ...one }) => ({
      ...{ ...one, by, at: one.at + 2_000 },
      sequence: (sequence + 1_000_000) >>> 0,
      acknowledged: (acknowledged + 1_000_000) >>> 0,
    }))
    const [syn, ...opened] = segmentsOf([]) as [Draft, ...Draft[]]
    expect(await events([syn, ...next])).toMatchObject([{ error: 'syn_only' }, { state: 'active' }])
    const silent = [syn, ...opened, ...next]
    expect(await events(silent)).toMatchObject([{ ended_by: 'reset', bytes_in: 0 }, { state: 'active' }])
  })

  it('goes on after a forged SYN, which the server does not take', async () => {
    const segments = segmentsOf(said)
    const [syn] = segments as [Draft]
    const forged = { ...syn, sequence: 77_777, at: (segments[4] as Draft).at }
    expect(await events(segments.toSpliced(4, 0, forged))).toMatchObject([{ state: 'active' }])
  })

  it('is read with TCP Fast Open, the ClientHello in the SYN', async () => {
    const [syn, answer, , hello, ...rest] = segmentsOf(said) as [Draft, Draft, Draft, Draft, ...Draft[]]
    const segments = [
      { ...syn, bytes: hello.bytes },
      { ...answer, acknowledged: (answer.acknowledged + hello.bytes.length) >>> 0 },
      ...rest,
    ]
    const facts = { server_name: 'www.example.test', hello_segments: 1, tcp_ooo: 0, tcp_retrans: 0 }
    expect(await events(segments)).toMatchObject([{ state: 'active', ...facts }])
    const [stalled] = await events(segments.slice(0, 2), { until: 20_000 })
    expect(stalled).toMatchObject({ ended_by: 'timeout', bytes_in: hello.bytes.length, ...facts })
  })

  it.each([
    ['version 1', 'PROXY TCP4 198.51.100.7 192.0.2.2 50000 443\r\n', '198.51.100.7'],
    ['version 1, of nobody', 'PROXY UNKNOWN\r\n', undefined],
    [
      'version 2',
      `${SIGNATURE}\x21\x11\x00\x0f\xc6\x33\x64\x07\xc0\x00\x02\x02\xc3\x50\x01\xbb\x04\x00\x00`,
      '198.51.100.7',
    ],
    [
      'version 2, IPv6',
      `${SIGNATURE}\x21\x21\x00\x24\x20\x01\x0d\xb8${'\x00'.repeat(11)}\x07${'\x00'.repeat(16)}\xc3\x50\x01\xbb`,
      '2001:db8::7',
    ],
    ['version 2, of nobody', `${SIGNATURE}\x20\x00\x00\x00`, undefined],
  ])('is read behind a PROXY header, %s, with who it says the client is', async (_, header, address) => {
    const begin = { by: 'client' as const, bytes: Buffer.from(header, 'latin1') }
    const plain = await events(segmentsOf(said))
    for (const mss of [1_448, 1]) {
      const [one, ...more] = await events(segmentsOf([begin, ...said], { mss }))
      expect(more).toEqual([])
      expect(one).toMatchObject({
        ...{ state: 'active', server_name: 'www.example.test', bytes_in: plain[0]?.bytes_in },
        ...(address === undefined
          ? { source_port: 40_000 }
          : { source_address: address, source_port: 50_000 }),
      })
      expect(parseEvent(JSON.stringify(one))).toMatchObject({ ok: true })
    }
    const [refused] = await events(segmentsOf([begin]), { until: 20_000 })
    expect(refused).toMatchObject({ source_address: '203.0.113.7', source_port: 40_000 })
  })

  it('is complete where a server that gives no tickets closes at once', async () => {
    const finished = said.findLastIndex(({ by, bytes }) => by === 'client' && bytes.at(-74) === 23)
    const closing = { by: 'server' as const, bytes: Buffer.from(`1703030013${'00'.repeat(19)}`, 'hex') }
    const words = [...said.slice(0, finished + 1), closing]
    expect(finished).toBeGreaterThan(0)
    expect(await events(segmentsOf(words))).toMatchObject([{ state: 'active' }])
  })

  it('is no other connection when more of it comes after the end', async () => {
    expect(await read(pcapOf([...segmentsOf(said), ...segmentsOf(said).slice(3)]))).toHaveLength(1)
  })
})

describe('a capture of one that was not completed', () => {
  it('says what the server refused', async () => {
    const refused = await converse({ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' })
    expect(await events(segmentsOf(refused))).toMatchObject([
      { state: 'closed', ended_by: 'alert', alert: 70, alert_side: 'server' },
    ])
  })

  it('says what the client refused, as far as it can be read', async () => {
    const refused = await converse({}, { rejectUnauthorized: true, maxVersion: 'TLSv1.2' })
    const ended = [...segmentsOf(refused), ending(refused, FLAG.fin | FLAG.ack)]
    const [event] = await events(ended)
    expect(['closed', 'active']).toContain(event?.state)
  })

  it.each([
    ['timeout', 0, { ended_by: 'timeout' }],
    ['reset', FLAG.rst, { ended_by: 'reset' }],
    ['fin', FLAG.fin | FLAG.ack, { ended_by: 'fin' }],
  ])('after the ClientHello: %s', async (_, flags, expected) => {
    const hello = said.slice(0, 1)
    const later = flags === 0 ? [] : [ending(hello, flags)]
    const decided = await events([...segmentsOf(hello), ...later], { until: 20_000 })
    expect(decided).toMatchObject([{ state: 'closed', bytes_out: 0, ...expected }])
  })

  it('that ends before anything is decided says so', async () => {
    expect(await events(segmentsOf(said.slice(0, 1)))).toMatchObject([{ error: 'capture_ended' }])
  })

  it('is not complete while the end of the Finished is missing', async () => {
    const finished = said.findLastIndex(({ by, bytes }) => by === 'client' && bytes.at(-74) === 23)
    const segments = segmentsOf(said.slice(0, finished + 1), { mss: 20 })
    const end = segments.findLastIndex(({ by, bytes }) => by === 'client' && bytes.length > 0)
    expect(await events(segments, { until: 20_000 })).toMatchObject([{ state: 'active' }])
    const [event] = await events(segments.slice(0, end), { until: 20_000 })
    expect(event).toMatchObject({ state: 'closed', ended_by: 'timeout' })
  })

  it('tells how long a ClientHello was to be of which only the beginning came', async () => {
    const [hello] = said
    const [syn, answer, ...rest] = segmentsOf([
      { by: 'client', bytes: hello?.bytes.subarray(0, 100) ?? Buffer.alloc(0) },
    ])
    const [event] = await events([syn, answer, ...rest] as Draft[], { until: 20_000 })
    // A record's header comes before it.
    expect(event).toMatchObject({
      bytes_in: 100,
      hello_bytes: (hello?.bytes.length ?? 0) - 5,
      hello_segments: 0,
      tcp_retrans: 0,
    })
  })

  it.each([false, true])(
    'counts the SYN-ACKs that were resent, as a kernel does; filtered: %s',
    async (filtered) => {
      const [syn, answer, ...rest] = segmentsOf(said.slice(0, 1)) as [Draft, Draft, ...Draft[]]
      const again = (ms: number) => ({ ...answer, at: answer.at + ms })
      const lateBy = (segments: Draft[], ms: number) => segments.map((one) => ({ ...one, at: one.at + ms }))
      const resent = [syn, answer, again(1_000), again(3_000), ...lateBy(rest, 3_500)]
      const [event] = await events(resent, { until: 20_000, filtered })
      expect(event).toMatchObject({ ended_by: 'timeout', tcp_retrans: 2, tcp_lost: 0 })
      const twice = [syn, syn, answer, answer, ...rest.flatMap((one) => [one, one])]
      const [seenTwice] = await events(twice, { until: 20_000, filtered })
      expect(seenTwice).toMatchObject({ ended_by: 'timeout', tcp_retrans: 0 })
    },
  )

  it('tells how many segments the server sent, at the least, where the filter leaves some out', async () => {
    const [hello, flight] = said as [Said, Said]
    const long = { ...flight, bytes: Buffer.concat([flight.bytes, Buffer.alloc(4_000)]) }
    const segments = segmentsOf([hello, long])
    const RECORD = [20, 21, 22, 23]
    const passed = segments.filter(
      ({ by, bytes }) => bytes.length === 0 || by === 'client' || RECORD.includes(bytes[0] ?? 0),
    )
    expect(passed.length).toBeLessThan(segments.length)
    const sent = segments.filter(({ by, bytes }) => by === 'server' && bytes.length > 0).length
    const [event] = await events(passed, { until: 20_000, filtered: true })
    expect(event?.tcp_segs_out).toBe(sent)
  })

  it('tells a hole of its own from one of the path', async () => {
    const segments = segmentsOf(said.slice(0, 1), { mss: 100 })
    const holed = segments.filter((segment) => segment !== segments[3])
    expect(await events(holed, { until: 20_000 })).toMatchObject([{ error: 'capture_loss' }])
    const unanswered = holed.filter(({ by, flags }) => by === 'client' || (flags & FLAG.syn) !== 0)
    const [event] = await events(unanswered, { until: 20_000 })
    expect(event).toMatchObject({ ended_by: 'timeout', bytes_in: 0 })
    expect(event?.tcp_ooo).toBeGreaterThan(0)
  })

  it('does not blame a server that speaks first, as those of SMTP do', async () => {
    const banner = { by: 'server' as const, bytes: Buffer.from('220 mail.example.test ESMTP\r\n') }
    const ehlo = { by: 'client' as const, bytes: Buffer.from('EHLO client.example.test\r\n') }
    expect(await events(segmentsOf([banner, ehlo]))).toMatchObject([
      { error: 'ERR_SSL_WRONG_VERSION_NUMBER' },
    ])
    expect(await events(segmentsOf([banner, ...said.slice(0, 1)]))).toMatchObject([
      { error: 'server_not_tls' },
    ])
  })

  it('knows plain HTTP, and a SYN that nothing follows', async () => {
    const http = [{ by: 'client' as const, bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') }]
    expect(await events(segmentsOf(http))).toMatchObject([{ error: 'ERR_SSL_HTTP_REQUEST' }])
    const [syn] = segmentsOf([]) as [Draft]
    expect(await events([syn, { ...syn, at: syn.at + 2_000 }])).toMatchObject([{ error: 'syn_only' }])
    expect(await events([syn])).toMatchObject([{ error: 'capture_ended' }])
  })
})

describe('hostile input', () => {
  it('takes no more memory than it may: a flood of SYNs is shed and counted', () => {
    const flows = createFlows({ ...OPTIONS, maxFlows: 1_000 })
    const [syn] = segmentsOf([])
    const packet = pcapOf([syn as Draft]).subarray(40)
    for (let i = 0; i < 50_000; i += 1) {
      const bytes = Buffer.from(packet)
      bytes.writeUInt32BE(i, 26)
      flows.push({ at: 1_790_000_000_000, link: 1, bytes, start: 0, end: bytes.length })
    }
    expect(flows.counts).toMatchObject({ begun: 50_000, shed: 49_000 })
  })

  it('never throws anything but a CaptureError, whatever the bytes', async () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(change, fc.nat(), async (changes, cut) => {
        const mutated = Buffer.from(
          capture.subarray(0, cut % 4 === 0 ? cut % capture.length : capture.length),
        )
        for (const [at, value] of changes)
          if (mutated.length > 24) mutated[24 + (at % (mutated.length - 24))] = value
        await harmless(mutated)
      }),
      { numRuns: 2_000 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), (bytes) => harmless(Buffer.from(bytes))),
      { numRuns: 1_000 },
    )
  })
})

const OPTIONS: FlowOptions = {
  ports: [443],
  handshakeTimeout: 10_000,
  filtered: false,
  maxFlows: 10_000,
  site: undefined,
  nextId: () => 'c.1',
}

async function read(
  file: Buffer,
  options: Partial<FlowOptions> = {},
  piece = file.length,
): Promise<Decided[]> {
  async function* pieces() {
    for (let at = 0; at < file.length; at += piece) yield file.subarray(at, at + piece)
  }
  const decided: Decided[] = []
  const flows = createFlows({ ...OPTIONS, ...options })
  for await (const some of readCapture(pieces(), flows)) decided.push(...some)
  return decided
}

/** `until`: a packet of another connection so many ms later, by which the capture's clock goes on. */
async function events(
  segments: readonly Draft[],
  { until, filtered = false }: { until?: number; filtered?: boolean } = {},
) {
  const last = segments.at(-1)
  const tick =
    until === undefined || last === undefined
      ? []
      : [{ ...last, flags: FLAG.ack, bytes: Buffer.alloc(0), at: last.at + until }]
  return (await read(pcapOf([...segments, ...tick]), { filtered })).map(({ event }) => event)
}

function neighboursSwapped(segments: readonly Draft[]): Draft[] {
  const swapped = [...segments]
  for (let i = 3; i + 1 < swapped.length; i += 2) {
    const [a, b] = [swapped[i], swapped[i + 1]]
    if (a === undefined || b === undefined || a.by !== b.by) continue
    swapped[i] = { ...b, at: a.at }
    swapped[i + 1] = { ...a, at: b.at }
  }
  return swapped
}

function joined(before: Draft, segment: Draft): Draft {
  return { ...segment, sequence: before.sequence, bytes: Buffer.concat([before.bytes, segment.bytes]) }
}

/** The client's next segment after what was said. */
function ending(words: readonly Said[], flags: number): Draft {
  const last = segmentsOf([...words, { by: 'client', bytes: Buffer.from('x') }]).findLast(
    ({ by, bytes }) => by === 'client' && bytes.length === 1,
  )
  return { ...(last as Draft), flags, bytes: Buffer.alloc(0) }
}

async function harmless(file: Buffer): Promise<void> {
  try {
    for (const { event } of await read(file))
      expect(parseEvent(JSON.stringify(event))).toMatchObject({ ok: true })
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
  }
}
