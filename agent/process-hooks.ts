/** What the agent does when the process ends. */
export type Endings = {
  /** SIGTERM with nobody else listening: resolves when the process may die of it. */
  stop(): Promise<void>
  /** SIGTERM with the application listening: the process ends when the application says so. */
  hurry(): void
  /** The event loop is empty. May begin something: then it is called again when that is done. */
  idle(): void
  /** The process exits; nothing asynchronous happens any more. */
  exit(): void
}

export type ProcessHooks = { remove(): void }

/** Marks the agents' own listeners, also those of another copy of this package in the process. */
const OURS = Symbol.for('halfshake.agent.sigterm')

/**
 * Listens to the process's end without changing it. A SIGTERM that only agents listen to is raised again when the
 * last of them is done, and so ends the process as it would have without them.
 *
 * The listener goes before those that are there: one that the application added with `once` is gone from the list when
 * its turn has come, and would look as if it had never been.
 */
export function createProcessHooks(
  process: NodeJS.Process,
  endings: Endings,
  sigterm: boolean,
): ProcessHooks {
  let stopping = false
  const onSigterm = Object.assign(
    () => {
      if (stopping) return
      if (!process.listeners('SIGTERM').every(isOurs)) return endings.hurry()
      stopping = true
      // Whatever becomes of it, the process ends by the signal as it would have without us.
      void endings.stop().then(raiseAgain, raiseAgain)
    },
    { [OURS]: true },
  )
  const raiseAgain = () => {
    process.off('SIGTERM', onSigterm)
    // In a turn of its own, so that the last warning is on stderr.
    if (process.listenerCount('SIGTERM') === 0) setImmediate(() => process.kill(process.pid, 'SIGTERM'))
  }
  const { idle, exit } = endings
  if (sigterm) process.prependListener('SIGTERM', onSigterm)
  process.on('beforeExit', idle)
  process.on('exit', exit)
  return {
    remove() {
      // While a SIGTERM is being answered the listener stays: it is what keeps the process from dying of it at once.
      if (!stopping) process.off('SIGTERM', onSigterm)
      process.off('beforeExit', idle)
      process.off('exit', exit)
    },
  }
}

function isOurs(listener: object): boolean {
  return OURS in listener
}
