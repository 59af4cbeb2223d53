import { describe, expect, test } from 'vitest'
import type { Reply } from './transport.ts'
import { verdictOn } from './verdict.ts'

const NOW = Date.parse('2026-11-21T00:00:00Z')
const answer = (status: number, retryAfter?: string, body = ''): Reply => ({
  ...{ kind: 'answer', status, retryAfter, body },
})
const verdict = (reply: Reply, attempt = 1) => verdictOn(reply, attempt, 1, NOW)

describe('the verdict on a reply', () => {
  test.each([
    [202, 'stored'],
    [200, 'blocked'],
    [301, 'blocked'],
    [400, 'refused'],
    [401, 'blocked'],
    [403, 'blocked'],
    [404, 'blocked'],
    [408, 'later'],
    [413, 'too_large'],
    [415, 'refused'],
    [422, 'refused'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
  ])('with status %i is %s', (status, kind) => {
    expect(verdict(answer(status)).kind).toBe(kind)
  })

  test.each([
    ['3', 3000],
    ['0', 0],
    ['Sat, 21 Nov 2026 00:00:10 GMT', 10_000],
    ['Fri, 20 Nov 2026 00:00:10 GMT', 0],
    ['999999', 3_600_000],
    ['soon', 500],
  ])('waits as Retry-After: %s says', (header, delay) => {
    expect(verdict(answer(503, header))).toMatchObject({ kind: 'later', delay })
  })

  test('waits longer with each failure, up to half a minute, and never less than half of it', () => {
    const failure: Reply = { kind: 'failure', reason: 'ECONNREFUSED' }
    const delays = [1, 2, 3, 7, 8, 5000].map((attempt) => verdictOn(failure, attempt, 1, NOW))
    expect(delays.map((found) => 'delay' in found && found.delay)).toEqual([
      500, 1000, 2000, 30_000, 30_000, 30_000,
    ])
    expect(verdictOn(failure, 1, 0, NOW)).toMatchObject({ delay: 250, reason: 'ECONNREFUSED' })
  })

  test('takes from a 202 what it tells, and takes it for stored when it tells nothing', () => {
    const errors = [{ line: 2, field: 'id', reason: 'bad_value', message: 'id is 1', allowed: 'a string' }]
    const body = JSON.stringify({ accepted: 1, rejected: 1, duplicate: 0, errors })
    expect(verdict(answer(202, undefined, body))).toEqual({
      ...{ kind: 'stored', answer: { rejected: 1, duplicate: 0, errors } },
    })
    for (const odd of ['', 'thanks', 'null', '[]', '{"rejected":-1,"errors":[null,1]}']) {
      expect(verdict(answer(202, undefined, odd))).toMatchObject({ kind: 'stored', answer: { rejected: 0 } })
    }
  })

  test('tells what a problem document says', () => {
    const body = JSON.stringify({ title: 'Bad Request', detail: 'the epoch is missing' })
    expect(verdict(answer(400, undefined, body))).toEqual({
      ...{ kind: 'refused', reason: 'http_400', message: 'the epoch is missing' },
    })
  })
})
