import { createServer, type Server } from 'node:http'
import { Registry } from 'prom-client'
import { createRuleBook } from '../../alerts/rule-book.ts'
import { createApp } from '../../core/runtime/http-server.ts'
import { createAuthorize, type StoredToken } from '../../core/runtime/tokens.ts'
import { silent, storeAt, temporaryFolder } from '../../core/store/testing.ts'
import type { Bounds, Inserts, Queries } from '../bounded-store.ts'
import type { ListeningLimits } from '../change-stream.ts'
import { createApiRouter } from '../router.ts'

/** The real engine over a folder of its own; one to a test file. */
export async function openStore() {
  const folder = await temporaryFolder()
  const store = storeAt(folder.path)
  await store.start()
  return {
    store,
    async close() {
      await store.stop()
      await folder.remove()
    },
  }
}

export type Answer = { status: number; headers: Headers; body: unknown }

/** The API over HTTP on a free port, at a fixed time. */
export async function serveApi({
  store,
  now,
  tokens = [],
  bounds,
  listening,
  folder,
  receivers = [],
}: {
  store: Queries & Inserts
  now: number
  tokens?: StoredToken[]
  bounds?: Bounds
  listening?: ListeningLimits
  /** Of files of rules. */
  folder?: string
  /** Names of receivers that rules may refer to. */
  receivers?: string[]
}) {
  const registry = new Registry()
  const surroundings = { receivers, prefixLengths: { ipv4: 24, ipv6: 48 } }
  const rules = createRuleBook({ folder, defaultRule: true, surroundings, log: silent, registry })
  const router = createApiRouter({
    store,
    authorize: createAuthorize(tokens),
    log: silent,
    registry,
    now: () => now,
    version: '1.2.3',
    ...(bounds && { bounds }),
    ...(listening && { listening }),
    rules,
    backtest: { historyMs: 14 * 86_400_000, watermarkMs: 60_000, rawKeptMs: 14 * 86_400_000 },
  })
  const server = createServer(createApp([router], silent))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${portOf(server)}`
  return {
    url,
    registry,
    rules,
    /** A request and its answer; JSON is parsed. */
    async get(path: string, init: RequestInit = {}): Promise<Answer> {
      const response = await fetch(url + path, init)
      const text = await response.text()
      const json = text !== '' && /[/+]json\b/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
    },
    /** As a process stops: those who listen first. */
    async close() {
      await router.listeners.stop()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Connections that fetch has opened ahead of need are not idle to the server, and would be waited for.
      server.closeAllConnections()
      await closed
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return address.port
}
