import { describe, expect, test } from 'vitest'

type Fields = Record<string, string>
/** The console's own file, which is JavaScript as the browser takes it. */
const { createEventParser } = (await import(new URL('public/event-parser.js', import.meta.url).href)) as {
  createEventParser(): (text: string) => Fields[]
}

const STREAM =
  'retry: 3000\nid: 16\n\n: nothing new\n\nid: 17\nevent: opened\ndata: {"a":"x: y"}\n\nid: 18\ndata: one\ndata: two\n\n'
const EVENTS = [
  { retry: '3000', id: '16' },
  {},
  { id: '17', event: 'opened', data: '{"a":"x: y"}' },
  { id: '18', data: 'one\ntwo' },
]

describe('the stream of events, as the console reads it', () => {
  test.each(['\n', '\r\n'])('is the same in pieces of any size, with line ends %j', (end) => {
    const text = STREAM.replaceAll('\n', end)
    for (let size = 1; size <= text.length; size += 1) {
      const parse = createEventParser()
      const found: Fields[] = []
      for (let at = 0; at < text.length; at += size) found.push(...parse(text.slice(at, at + size)))
      expect(found, `pieces of ${size}`).toEqual(EVENTS)
    }
  })

  test('gives nothing of an event that has not ended, and refuses one without an end', () => {
    const parse = createEventParser()
    expect(parse('id: 1\ndata: {')).toEqual([])
    expect(() => parse('x'.repeat(1_000_001))).toThrow('an event has no end')
  })
})
