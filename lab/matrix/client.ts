/** Runs in the client's namespace: makes all the attempts of a scenario, side by side, and leaves. */
import { type Attempt, type ClientKind, type ClientOrders, orders, tell } from './messages.ts'
import { withNode, withOpenssl, withSlowNode } from './with-tls.ts'
import { comesAsHttp, leavesAtOnce, resetsAtOnce, saysHalf, saysNothing } from './without-tls.ts'

/** Bytes a write and ms between them. */
const SLOW = { bytes: 60, everyMs: 150 }
const TOO_SLOW = { bytes: 4, everyMs: 250 }

const COME: Record<ClientKind, (attempt: Attempt) => Promise<void>> = {
  node: withNode,
  openssl: withOpenssl,
  silent: saysNothing,
  leaves: leavesAtOnce,
  resets: resetsAtOnce,
  http: comesAsHttp,
  'half-hello': saysHalf,
  slow: (attempt) => withSlowNode(attempt, SLOW),
  'too-slow': (attempt) => withSlowNode(attempt, TOO_SLOW),
}

process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
const { attempts } = orders<ClientOrders>()
await Promise.all(attempts.map((attempt) => COME[attempt.kind](attempt)))
tell({ kind: 'done' })
process.disconnect?.()
process.exit()
