import type { Logger } from './log.ts'

/** A part of the process that is started and stopped. Constructors do nothing; `start` does. */
export type Component = {
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
}

/** A component that died after its start: the process cannot go on without it. */
export class ComponentDied extends Error {
  override readonly name = 'ComponentDied'
  readonly component: string
  constructor(component: string, cause: unknown) {
    super(`${component} died: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.component = component
  }
}

/**
 * Starts the components in order and returns what stops them in reverse. When one fails to start, those
 * before it are stopped and its error is thrown. When `end` comes first, the one that is starting is stopped too: a
 * component that waits in its start for something must give up when it is told to stop. One that hangs while
 * stopping is given up after `stopTimeoutMs`.
 */
export async function startAll(
  components: readonly Component[],
  {
    log,
    stopTimeoutMs = 20_000,
    end = new Promise(() => undefined),
  }: { log: Logger; stopTimeoutMs?: number; end?: Promise<unknown> },
): Promise<{ stop(): Promise<void> }> {
  const begun: Component[] = []
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= stopAll(begun, log, stopTimeoutMs)
    return stopping
  }
  const ended = end.then(
    () => 'ended' as const,
    () => 'ended' as const,
  )
  for (const component of components) {
    begun.push(component)
    const starting = component.start()
    try {
      if ((await Promise.race([starting, ended])) === 'ended') {
        starting.catch((error) => log.debug({ component: component.name, error: String(error) }, 'gave up'))
        await stop()
        return { stop }
      }
    } catch (error) {
      // It has not begun: only those before it have something to stop.
      begun.pop()
      await stop()
      throw error
    }
    log.debug({ component: component.name }, 'started')
  }
  return { stop }
}

async function stopAll(begun: Component[], log: Logger, timeoutMs: number): Promise<void> {
  for (const component of begun.reverse()) {
    try {
      await withDeadline(component.stop(), timeoutMs, `${component.name} did not stop in ${timeoutMs} ms`)
      log.debug({ component: component.name }, 'stopped')
    } catch (error) {
      log.error({ component: component.name, error: String(error) }, 'could not be stopped cleanly')
    }
  }
}

/** The promise's value, or an error with `message` after `ms`. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}
