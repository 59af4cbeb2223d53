import { runCommand } from './command.ts'
import { Interrupted } from './lab-error.ts'
import { removeLeftovers } from './namespaces.ts'
import { createNetwork, type Network } from './network.ts'

const GRACE_MS = 2000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Gives `body` a network and takes it down again: when body ends, throws, is interrupted by SIGINT, SIGTERM or
 * SIGHUP, when `signal` aborts, and when the process exits some other way. First it removes what dead runs left.
 *
 * The signal given to body aborts on interruption. The network goes at once; body has two seconds to end as well, and
 * is not waited for any longer.
 * @throws Interrupted after such a signal, the abort reason, LabError, or whatever body throws.
 */
export async function withNetwork<T>(
  body: (network: Network, signal: AbortSignal) => Promise<T>,
  { signal: outer }: { signal?: AbortSignal | undefined } = {},
): Promise<T> {
  outer?.throwIfAborted()
  await removeLeftovers(runCommand)
  const network = createNetwork()
  const stop = new AbortController()
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true })
  })
  const forget = listen({
    onSignal: (name) => stop.abort(new Interrupted(name)),
    onAbort: () => stop.abort(outer?.reason),
    onExit: () => network.destroyNow(),
    outer,
  })
  const running = body(network, stop.signal)
  try {
    return await Promise.race([running, stopped])
  } finally {
    stopped.catch(() => {})
    await network.destroy()
    if (stop.signal.aborted) await atMost(GRACE_MS, running)
    forget()
  }
}

/** Resolves when the promise settles, or after `ms`. */
async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.allSettled([Promise.race([promise, late])])
  clearTimeout(timer)
}

function listen({
  onSignal,
  onAbort,
  onExit,
  outer,
}: {
  onSignal: (name: NodeJS.Signals) => void
  onAbort: () => void
  onExit: () => void
  outer: AbortSignal | undefined
}): () => void {
  for (const name of SIGNALS) process.on(name, onSignal)
  process.on('exit', onExit)
  outer?.addEventListener('abort', onAbort, { once: true })
  return () => {
    for (const name of SIGNALS) process.off(name, onSignal)
    process.off('exit', onExit)
    outer?.removeEventListener('abort', onAbort)
  }
}
