import { hostname } from 'node:os'
import { Server } from 'node:tls'
import type { Observation, ObserveOptions } from './api.ts'
import { createWarningLog } from './log.ts'
import { startObservation } from './observation.ts'
import { ObserveError } from './observe-error.ts'
import { readOptions } from './options.ts'

/** On a server that is observed, set by any copy of this package. */
const OBSERVED = Symbol.for('halfshake.agent.observed')

/**
 * Watches a server of `node:tls`, `node:https` or `node:http2` (secure) and reports what becomes of each handshake.
 *
 * @example
 * const server = https.createServer({ key, cert }, app).listen(443)
 * const observation = observe(server, { url: 'https://halfshake.example.net', token })
 *
 * @throws OptionsError naming all that is wrong with the options; ObserveError when the server cannot be observed.
 */
export function observe(server: Server, options: ObserveOptions): Observation {
  const log = createWarningLog((warning, { code }) => process.emitWarning(warning, { code }))
  const settings = readOptions(options, { agent: hostname(), log })
  return startObservation(server, settings, mark(server))
}

/** Marks the server as observed; returns what takes the mark away. */
function mark(server: unknown): () => void {
  if (!(server instanceof Server)) {
    const message =
      'this is no TLS server; it takes those of node:tls, node:https and http2.createSecureServer'
    throw new ObserveError('HALFSHAKE_NOT_A_TLS_SERVER', message)
  }
  if (OBSERVED in server) {
    throw new ObserveError(
      'HALFSHAKE_ALREADY_OBSERVED',
      'this server is observed already; close() that first',
    )
  }
  Object.defineProperty(server, OBSERVED, { value: true, configurable: true })
  return () => void Reflect.deleteProperty(server, OBSERVED)
}
