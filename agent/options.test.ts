import { describe, expect, test } from 'vitest'
import { readOptions } from './options.ts'
import { OptionsError } from './options-error.ts'

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const read = (options: unknown) => readOptions(options, { agent: 'host.example', log })

function mistakesOf(options: unknown) {
  try {
    read(options)
  } catch (error) {
    if (error instanceof OptionsError) return error.mistakes
    throw error
  }
  return []
}

describe('the options', () => {
  test('need a url and have a default for all else', () => {
    expect(read({ url: 'https://halfshake.example.net' })).toMatchObject({
      agent: 'host.example',
      handshakeTimeout: 10_000,
      kernel: true,
      reportNew: false,
      batch: { events: 1000, delay: 2000 },
      spool: { maxBytes: 16_777_216, directory: undefined },
      requestTimeout: 10_000,
      drainTimeout: 3000,
      stopOnSigterm: true,
      token: undefined,
    })
  })

  test('are taken as given', () => {
    const given = {
      token: 'secret',
      agent: 'edge/1',
      site: 'Zürich',
      handshakeTimeout: 0,
      kernel: false,
      reportNew: true,
      batch: { events: 10, delay: 5 },
      spool: { maxBytes: 100_000, directory: '/var/spool/halfshake' },
      requestTimeout: 500,
      drainTimeout: 0,
      stopOnSigterm: false,
    }
    expect(read({ url: 'http://127.0.0.1:8080/x', ...given })).toMatchObject(given)
  })

  test('are refused with all their mistakes at once, each with what is allowed', () => {
    const mistakes = mistakesOf({
      url: 'ftp://x',
      token: 'two words',
      agent: 'ä',
      handshakeTimeout: -1,
      kernel: 'yes',
      batch: { events: 0, size: 3 },
      spool: 'here',
      retries: 3,
      log: console.log,
    })
    expect(mistakes.map(({ field }) => field).sort()).toEqual([
      ...['agent', 'batch.events', 'batch.size', 'handshakeTimeout', 'kernel'],
      ...['log', 'retries', 'spool', 'token', 'url'],
    ])
    for (const { message, allowed } of mistakes) {
      expect(message).not.toBe('')
      expect(allowed).not.toBe('')
    }
    expect(mistakes.find(({ field }) => field === 'handshakeTimeout')).toMatchObject({
      message: 'is -1',
      allowed: 'a whole number from 0 to 86400000 (ms), 0 for no deadline',
    })
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'https://x'],
    ['a list', []],
    ['no url', {}],
    ['a url with a password', { url: 'https://a:b@x' }],
  ])('are refused when they are %s', (_what, given) => {
    expect(mistakesOf(given).length).toBeGreaterThan(0)
  })

  test('do not show a token that is wrong', () => {
    expect(() => read({ url: 'https://x', token: 'se cret' })).toThrow(/not a usable token/)
    expect(() => read({ url: 'https://x', token: 'se cret' })).not.toThrow(/se cret/)
  })

  test('turn a host name into an agent name that ingest takes', () => {
    const settings = readOptions({ url: 'https://x' }, { agent: 'my host!', log })
    expect(settings.agent).toBe('my-host-')
  })
})
