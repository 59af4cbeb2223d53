import { once } from 'node:events'
import { ComponentDied } from '../core/runtime/lifecycle.ts'

/** Resolves at SIGTERM or SIGINT; rejects when a component died. */
export function endOfProcess(): {
  reached: Promise<unknown>
  died: (component: string, error: unknown) => void
} {
  let died: (component: string, error: unknown) => void = () => undefined
  const death = new Promise<never>((_, reject) => {
    died = (component, error) => reject(new ComponentDied(component, error))
  })
  // It may die before anybody waits.
  death.catch(() => undefined)
  const signalled = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  return { reached: Promise.race([signalled, death]), died }
}
