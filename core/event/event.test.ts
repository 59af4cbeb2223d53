import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyEvent, anyField } from './arbitrary.ts'
import type { ConnectionEvent } from './event.ts'
import { FIELDS, fits } from './fields.ts'
import { parseEvents, serializeEvents } from './ndjson.ts'
import { type LineError, parseEvent, REFUSALS } from './parse.ts'

const ACTIVE: ConnectionEvent = {
  v: 1,
  id: 'c-1',
  state: 'active',
  opened_at: 1_760_000_000_000,
  decided_at: 1_760_000_000_050,
  source_address: '192.0.2.7',
  source_port: 40_000,
  destination_address: '198.51.100.1',
  destination_port: 443,
  bytes_in: 517,
  bytes_out: 4_100,
}
const { decided_at: _, ...UNDECIDED } = ACTIVE

describe('the event contract', () => {
  it('keeps whatever a valid event is through the round trip', () => {
    fc.assert(
      fc.property(fc.array(anyEvent(), { maxLength: 5 }), (events) => {
        const parsed = parseEvents(Buffer.from(serializeEvents(events)))
        expect(parsed.refused).toEqual([])
        expect(parsed.events.map(({ event }) => event)).toEqual(events)
      }),
      { numRuns: 500 },
    )
  })

  it('answers whatever bytes come in with events and errors, one for each line that is not blank', () => {
    const line = fc.oneof(
      fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10 && byte !== 13))),
      fc.json().map((text) => Buffer.from(text)),
      anyEvent().map((event) => Buffer.from(JSON.stringify(event))),
      anyEvent().chain((event) => cutShort(JSON.stringify(event))),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const body = Buffer.concat(lines.flatMap((text) => [text, Buffer.from('\n')]))
        const { events, refused } = parseEvents(body, { maxLineBytes: 3_000 })
        const filled = lines.flatMap((text, i) => (text.length > 0 ? [i + 1] : []))
        expect([...events, ...refused].map((one) => one.line).sort((a, b) => a - b)).toEqual(filled)
        for (const { line: number, raw } of refused) expect(lines[number - 1]).toEqual(raw)
      }),
      { numRuns: 500 },
    )
  })

  it('names the field, and what is allowed in it, when any one field is broken', () => {
    fc.assert(
      fc.property(anyEvent(), anyField(), fc.jsonValue(), (event, field, value) => {
        fc.pre(!fits(field.is, value))
        const parsed = parseEvent(JSON.stringify({ ...event, [field.name]: value }), 7)
        expect(parsed).toMatchObject({ ok: false, error: { line: 7, field: field.name } })
      }),
    )
  })

  it('names each required field when it is missing', () => {
    for (const { name } of FIELDS.filter((field) => field.required)) {
      const { [name]: _gone, ...rest } = ACTIVE as Record<string, unknown>
      expect(errorOf(rest)).toMatchObject({ field: name, reason: 'missing_field' })
    }
  })

  const cases: [string, unknown, Partial<LineError>][] = [
    ['an array', [], { reason: 'not_an_object', field: null }],
    ['null', null, { reason: 'not_an_object', message: 'null instead of an event' }],
    ['an unknown field', { ...ACTIVE, asn: 1 }, { reason: 'unknown_field', field: 'asn' }],
    [
      'another schema version',
      { ...ACTIVE, v: 2 },
      { reason: 'bad_value', field: 'v', allowed: 'the number 1' },
    ],
    [
      'seconds instead of milliseconds',
      { ...ACTIVE, opened_at: 1_760_000_000 },
      { reason: 'bad_value', field: 'opened_at' },
    ],
    [
      'a port that is none',
      { ...ACTIVE, source_port: 65_536 },
      { allowed: 'a whole number from 0 to 65535' },
    ],
    [
      'a host name for an address',
      { ...ACTIVE, source_address: 'example.com' },
      { allowed: 'an IPv4 or IPv6 address' },
    ],
    [
      'a control character',
      { ...ACTIVE, server_name: 'a\u0000b' },
      { reason: 'bad_value', field: 'server_name' },
    ],
    ['no time of decision', { ...UNDECIDED }, { reason: 'missing_field', field: 'decided_at' }],
    [
      'a decision before the opening',
      { ...ACTIVE, decided_at: 1_759_999_999_999 },
      { reason: 'contradiction', field: 'decided_at' },
    ],
    [
      'a new connection that is decided',
      { ...ACTIVE, state: 'new' },
      { reason: 'contradiction', field: 'decided_at' },
    ],
    [
      'a completed one that ended',
      { ...ACTIVE, ended_by: 'fin' },
      { reason: 'contradiction', field: 'ended_by' },
    ],
    [
      'a closed one that did not',
      { ...ACTIVE, state: 'closed' },
      { reason: 'missing_field', field: 'ended_by' },
    ],
    [
      'an alert without its number',
      { ...ACTIVE, state: 'closed', ended_by: 'alert' },
      { reason: 'missing_field', field: 'alert' },
    ],
    [
      'an alert without its side',
      { ...ACTIVE, state: 'closed', ended_by: 'reset', alert: 40 },
      { reason: 'contradiction', field: 'alert_side' },
    ],
  ]
  for (const [title, value, expected] of cases) {
    it(`refuses ${title}`, () => {
      expect(errorOf(value)).toMatchObject(expected)
    })
  }

  it('takes a deep or poisonous object for what it is', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expect(parseEvent(deep).ok).toBe(false)
    expect(parseEvent('{"__proto__":{"v":1}}')).toMatchObject({ ok: false, error: { field: '__proto__' } })
  })

  it('refuses an over-long line and keeps its beginning', () => {
    const { refused } = parseEvents(Buffer.from(`${'x'.repeat(100)}\n{}`), { maxLineBytes: 10 })
    expect(refused[0]).toMatchObject({ line: 1, reason: 'line_too_long', bytes: 100 })
    expect(refused[0]?.raw.toString()).toBe('x'.repeat(10))
    expect(refused[1]).toMatchObject({ line: 2, reason: 'missing_field' })
  })

  it('reads no more lines than it may, blank ones included', () => {
    const body = Buffer.from(`${JSON.stringify(ACTIVE)}\n\n1\n`)
    expect(parseEvents(body, { maxLines: 3 })).toMatchObject({ cut: false, refused: [{ line: 3 }] })
    expect(parseEvents(body, { maxLines: 2 })).toMatchObject({ cut: true, refused: [] })
  })

  it('refuses only the line that is not UTF-8', () => {
    const body = Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.from(`${JSON.stringify(ACTIVE)}\r\n`)])
    const { events, refused } = parseEvents(body)
    expect(events).toEqual([{ line: 2, event: ACTIVE }])
    expect(refused).toMatchObject([{ line: 1, reason: 'not_utf8' }])
  })

  it('has a name for every reason to refuse', () => {
    expect(new Set(REFUSALS).size).toBe(REFUSALS.length)
  })
})

function errorOf(value: unknown): LineError | undefined {
  const parsed = parseEvent(JSON.stringify(value))
  return parsed.ok ? undefined : parsed.error
}

function cutShort(text: string): fc.Arbitrary<Buffer> {
  return fc.integer({ min: 1, max: text.length - 1 }).map((end) => Buffer.from(text.slice(0, end)))
}
