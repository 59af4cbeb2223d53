import { Router } from 'express'
import type { Registry } from 'prom-client'

/** One thing the process needs to do its work: ready, or why not and what to do. A warning is for people: the work is done. */
export type Check = {
  name: string
  check(): { ready: true; warning?: string } | { ready: false; reason: string }
}

/** /livez: the process answers. /readyz: 503 and what is missing, by name. /metrics: Prometheus text. */
export function createHealthRouter({
  checks,
  registry,
}: {
  checks: readonly Check[]
  registry: Registry
}): Router {
  const router = Router()
  router.get('/livez', (_request, response) => {
    response.json({ status: 'alive' })
  })
  router.get('/readyz', (_request, response) => {
    const results = checks.map(({ name, check }) => ({ name, ...check() }))
    const missing = results.filter((result) => !result.ready)
    response
      .status(missing.length === 0 ? 200 : 503)
      .json({ status: missing.length === 0 ? 'ready' : 'unready', checks: results })
  })
  router.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics())
  })
  return router
}
