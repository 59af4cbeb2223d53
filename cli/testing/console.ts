import { Registry } from 'prom-client'
import { createRuleBook } from '../../alerts/rule-book.ts'
import { createApiRouter } from '../../api/router.ts'
import { createHealthRouter } from '../../core/runtime/health.ts'
import { createHttpServer } from '../../core/runtime/http-server.ts'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { createAuthorize, type StoredToken } from '../../core/runtime/tokens.ts'
import type { Store } from '../../core/store/store.ts'
import { silent } from '../../core/store/testing.ts'

const DAY_MS = 86_400_000

/** API and console over a store, as `halfshake api` serves them; on the port of before when it is given. */
export async function serveConsole({
  store,
  tokens = [],
  port = 0,
}: {
  store: Store
  tokens?: StoredToken[]
  port?: number
}) {
  const registry = new Registry()
  const surroundings = { receivers: [], prefixLengths: { ipv4: 24, ipv6: 48 } }
  const api = createApiRouter({
    store,
    authorize: createAuthorize(tokens),
    log: silent,
    registry,
    now: Date.now,
    version: '1.2.3',
    rules: createRuleBook({ folder: undefined, defaultRule: true, surroundings, log: silent, registry }),
    backtest: { historyMs: 14 * DAY_MS, watermarkMs: 60_000, rawKeptMs: 14 * DAY_MS },
  })
  const health = createHealthRouter({ checks: [], registry })
  const http = createHttpServer({ host: '127.0.0.1', port, routers: [health, api], log: silent })
  const running = await startAll([http, api.listeners], { log: silent })
  return { url: http.url(), port: Number(new URL(http.url()).port), close: () => running.stop() }
}
