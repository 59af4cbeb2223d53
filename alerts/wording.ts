import type { Alert } from './alert.ts'
import type { AlertTable } from './alert-table.ts'
import type { Facts, FindFacts } from './facts.ts'
import type { Places } from './links.ts'
import { messageOf } from './message.ts'
import type { Notification } from './notification.ts'
import type { Planned } from './plan.ts'
import type { Rule } from './rule.ts'

const DAY = 24 * 3600

/** Gives what is to be told its words: facts are looked up once for each alert, however many receivers are told of it. */
export function createWording({
  incidents: readIncidents,
  facts: findFacts,
  places,
  clock,
}: {
  incidents: AlertTable['incidents']
  facts: FindFacts
  places: Places
  /** ms since 1970. */
  clock: () => number
}) {
  return async (planned: readonly Planned[], rules: readonly Rule[]): Promise<Notification[]> => {
    if (planned.length === 0) return []
    const incidents = await readIncidents(Math.floor(clock() / 1_000) - DAY)
    const found = new Map<string, Promise<Facts>>()
    const factsOf = (alert: Alert, rule: Rule | undefined) => {
      const facts = found.get(alert.id) ?? findFacts(alert, rule)
      found.set(alert.id, facts)
      return facts
    }
    const messages: Notification[] = []
    for (const { members, repeated, ...notification } of planned) {
      const rule = rules.find(({ id }) => id === notification.rule)
      const told = []
      for (const alert of members) {
        const incident = incidents.find(({ id }) => id === alert.incident)
        told.push({ alert, facts: await factsOf(alert, rule), incident })
      }
      const message = messageOf({ ...notification, repeated }, { told, rule, places })
      messages.push({ ...notification, message })
    }
    return messages
  }
}
