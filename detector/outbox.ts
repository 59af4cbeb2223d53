import { type Description, describedIncident, type Ending, type Incident } from './incident.ts'
import type { DetectorLoopNeeds } from './loop.ts'

/** Incidents on their way to the store: the last state of each, described, written again until the store has it. */
export type Outbox = {
  /** Learns what the store has. */
  load(): Promise<void>
  put(incidents: readonly Incident[], ending?: Ending): void
  /** After a replay: incidents the store has as open but the replay does not are closed. `minute` is the next to judge. */
  settle(open: readonly Incident[], minute: number): void
  flush(minute: number): Promise<void>
}

type Needs = Pick<DetectorLoopNeeds, 'write' | 'describe' | 'stored' | 'log'>

/** A description is kept so long, unless the incident changes its state. */
const FRESH_SECONDS = 240
/** Descriptions of incidents that ended so long ago are forgotten. */
const FORGOTTEN_SECONDS = 24 * 3600

export function createOutbox({ write, describe, stored, log }: Needs): Outbox {
  const waiting = new Map<string, Incident>()
  const endings = new Map<string, Ending>()
  const inStore = new Map<string, Incident>()
  const descriptions = new Map<string, { at: number; state: string; description: Description }>()

  async function load(): Promise<void> {
    if (stored === undefined) return
    try {
      for (const incident of await stored()) inStore.set(incident.id, incident)
    } catch (error) {
      log.error(
        { error: String(error) },
        'stored incidents could not be read; all found again are written again',
      )
    }
  }

  function put(incidents: readonly Incident[], ending?: Ending): void {
    for (const incident of incidents) {
      waiting.set(incident.id, incident)
      if (ending !== undefined) endings.set(incident.id, ending)
    }
  }

  function settle(open: readonly Incident[], minute: number): void {
    const known = new Set([...waiting.keys(), ...open.map(({ id }) => id)])
    for (const incident of inStore.values()) {
      if (incident.state === 'closed' || known.has(incident.id)) continue
      const version = Math.max(incident.version + 1, minute)
      waiting.set(incident.id, {
        ...incident,
        state: 'closed',
        closed_at: minute,
        version,
        updated_at: minute,
      })
    }
  }

  async function flush(minute: number): Promise<void> {
    const news = [...waiting.values()].filter(isNews)
    try {
      const described: Incident[] = []
      for (const incident of news) described.push(await describedNow(incident, minute))
      if (described.length > 0) await write(described)
    } catch (error) {
      log.error(
        { error: String(error), incidents: news.length },
        'incidents could not be written; trying again',
      )
      return
    }
    for (const incident of waiting.values()) if (incident.state === 'closed') inStore.delete(incident.id)
    waiting.clear()
    endings.clear()
    forget(minute)
  }

  function isNews(incident: Incident): boolean {
    const known = inStore.get(incident.id)
    return known === undefined || known.version < incident.version
  }

  async function describedNow(incident: Incident, minute: number): Promise<Incident> {
    if (describe === undefined) return incident
    const ending = endings.get(incident.id)
    const known = descriptions.get(incident.id)
    if (known !== undefined && known.state === incident.state && minute - known.at < FRESH_SECONDS) {
      return describedIncident(incident, known.description, ending)
    }
    try {
      const description = await describe(incident)
      descriptions.set(incident.id, { at: minute, state: incident.state, description })
      return describedIncident(incident, description, ending)
    } catch (error) {
      log.warn({ incident: incident.id, error: String(error) }, 'the incident could not be described')
      return known === undefined ? incident : describedIncident(incident, known.description, ending)
    }
  }

  function forget(minute: number): void {
    for (const [id, { at, state }] of descriptions) {
      if (state === 'closed' && minute - at > FORGOTTEN_SECONDS) descriptions.delete(id)
    }
  }

  return { load, put, settle, flush }
}
