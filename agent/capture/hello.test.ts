import { expect, it, vi } from 'vitest'
import { readClientHello } from './hello.ts'
import { converse } from './testing.ts'

const RECORD_AND_MESSAGE_HEADERS = 9

async function clientHello(): Promise<Buffer> {
  const [first] = await converse({}, { servername: 'www.example.net', ALPNProtocols: ['h2', 'http/1.1'] })
  return first?.bytes.subarray(RECORD_AND_MESSAGE_HEADERS) ?? Buffer.alloc(0)
}

/** As by a process that has never read one. */
async function readAnew(body: Buffer) {
  vi.resetModules()
  return (await import('./hello.ts')).readClientHello(body, body.length)
}

it('reads a hello alike whether one of its kind was read before or not, wherever it differs by a byte', async () => {
  const hello = await clientHello()
  expect(readClientHello(hello, hello.length)).toMatchObject({ serverName: 'www.example.net' })
  for (let at = 0; at < hello.length; at += 1) {
    const other = Buffer.from(hello)
    other[at] = (other[at] ?? 0) ^ (1 << (at % 8))
    const expected = await readAnew(other)
    expect([at, readClientHello(other, other.length)]).toEqual([at, expected])
    expect([at, readClientHello(other, other.length)]).toEqual([at, expected])
  }
})

it('reads a hello that is cut off anywhere as one that is not whole, or without its extensions', async () => {
  const hello = await clientHello()
  for (let end = 0; end < hello.length; end += 1) {
    expect(readClientHello(hello.subarray(0, end), end)?.serverName).toBeUndefined()
  }
})
