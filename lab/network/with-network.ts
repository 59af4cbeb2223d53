import { runCommand } from './command.ts'
import { Interrupted } from './lab-error.ts'
import { removeLeftovers } from './namespaces.ts'
import { createNetwork, type Network } from './network.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Gives `body` a network and takes it down again: when body ends, throws, is interrupted by SIGINT, SIGTERM or
 * SIGHUP, when `signal` aborts, and when the process exits some other way. First it removes what dead runs left.
 *
 * The signal given to body aborts on interruption. Body is not waited for then, so nothing can hold up the end.
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
  try {
    return await Promise.race([body(network, stop.signal), stopped])
  } finally {
    // Body may still run after an interruption: let it see the end. (Aborting twice keeps the first reason.)
    stopped.catch(() => {})
    stop.abort()
    await network.destroy()
    forget()
  }
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
