import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Registry } from 'prom-client'
import type { EmbeddedStore } from '../embedded.ts'
import { silent } from '../testing.ts'
import { createClickHouseHttpServer, type HttpLimits } from './server.ts'
import type { StoreUser } from './users.ts'

export type Answered = { status: number; headers: Record<string, string>; body: string }

/** The HTTP interface over a started store, and curl to ask it. */
export async function interfaceOf(
  store: EmbeddedStore,
  { users = [], limits = {} }: { users?: readonly StoreUser[]; limits?: Partial<HttpLimits> } = {},
) {
  const registry = new Registry()
  const server = createClickHouseHttpServer({
    engine: () => store.engine(),
    users,
    host: '127.0.0.1',
    port: 0,
    log: silent,
    registry,
    // Tests have no more than libuv's four threads.
    limits: { concurrent: 3, ...limits },
  })
  await server.start()
  return {
    url: server.url(),
    registry,
    stop: () => server.stop(),
    /** Parameters of the URL, then what curl is told besides. */
    async curl(parameters: Record<string, string>, ...more: string[]): Promise<Answered> {
      const url = `${server.url()}/?${new URLSearchParams(parameters)}`
      const { stdout } = await promisify(execFile)('curl', ['-s', '-g', '-i', ...more, url], {
        encoding: 'latin1',
        maxBuffer: 1e9,
      }).catch((error: { stdout: string }) => error)
      return parseAnswer(stdout)
    },
  }
}

function parseAnswer(text: string): Answered {
  const at = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, at).split('\r\n')
  // "100 Continue" comes before the answer itself.
  if (first.includes(' 100 ')) return parseAnswer(text.slice(at + 4))
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: Buffer.from(text.slice(at + 4), 'latin1').toString('utf8'),
  }
}
