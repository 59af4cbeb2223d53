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

/** One set of listeners for all agents of a process: with one each, the eleventh server would earn a warning from Node. */
const HOOKS = new WeakMap<NodeJS.Process, Hooks>()

type Hooks = { add(endings: Endings, sigterm: boolean): void; remove(endings: Endings): void }

/** Has these endings told of the process's end; of SIGTERM only if wanted. */
export function createProcessHooks(
  process: NodeJS.Process,
  endings: Endings,
  sigterm: boolean,
): ProcessHooks {
  const hooks = HOOKS.get(process) ?? createHooks(process)
  HOOKS.set(process, hooks)
  hooks.add(endings, sigterm)
  return { remove: () => hooks.remove(endings) }
}

/**
 * Listens to the process's end without changing it. A SIGTERM that only agents listen to is raised again when the
 * last of them is done, and so ends the process as it would have without them.
 *
 * The listener goes before those that are there: one that the application added with `once` is gone from the list when
 * its turn has come, and would look as if it had never been.
 */
function createHooks(process: NodeJS.Process): Hooks {
  const all = new Map<Endings, { sigterm: boolean }>()
  let stopping = false
  const withSigterm = () => [...all].filter(([, { sigterm }]) => sigterm).map(([endings]) => endings)
  const onSigterm = Object.assign(
    () => {
      if (stopping) return
      const told = withSigterm()
      if (!process.listeners('SIGTERM').every(isOurs)) {
        for (const endings of told) endings.hurry()
        return
      }
      stopping = true
      // Whatever becomes of it, the process ends by the signal as it would have without us.
      void Promise.allSettled(told.map((endings) => endings.stop())).then(raiseAgain)
    },
    { [OURS]: true },
  )
  const raiseAgain = () => {
    process.off('SIGTERM', onSigterm)
    // In a turn of its own, so that the last warning is on stderr.
    if (process.listenerCount('SIGTERM') === 0) setImmediate(() => process.kill(process.pid, 'SIGTERM'))
  }
  const onIdle = () => {
    for (const endings of all.keys()) endings.idle()
  }
  const onExit = () => {
    for (const endings of all.keys()) endings.exit()
  }
  return {
    add(endings, sigterm) {
      if (all.size === 0) {
        process.on('beforeExit', onIdle)
        process.on('exit', onExit)
      }
      if (sigterm && withSigterm().length === 0) process.prependListener('SIGTERM', onSigterm)
      all.set(endings, { sigterm })
    },
    remove(endings) {
      all.delete(endings)
      // While a SIGTERM is being answered the listener stays: it is what keeps the process from dying of it at once.
      if (!stopping && withSigterm().length === 0) process.off('SIGTERM', onSigterm)
      if (all.size > 0) return
      process.off('beforeExit', onIdle)
      process.off('exit', onExit)
    },
  }
}

function isOurs(listener: object): boolean {
  return OURS in listener
}
