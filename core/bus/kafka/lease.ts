import type { Intent } from './intent.ts'
import type { RawMessage } from './message.ts'

/** A partition that is ours for now, and how far it is. */
export type Owned = {
  readonly partition: number
  incarnation: string
  /** Everything before this offset is stored. */
  position: number
  /** A range that was announced and may be half-written: it is rebuilt first, exactly as it was announced. */
  intent: Intent | undefined
  /** Messages of that range read so far. */
  gathered: RawMessage[]
}

/**
 * What one round of the group gave to this process. A commit is sent with whatever generation the client has at
 * that moment, so it is this object, and not the broker, that keeps a partition of the round before from being
 * committed in this one.
 */
export type Lease = {
  readonly owned: Map<number, Owned>
  /** Aborted when nothing new is to be begun: the group rebalances, or the process stops. */
  readonly ending: AbortSignal
  /** Whether it may not even commit what it has written. */
  isLost(): boolean
  end(): void
  lose(): void
}

/** Work was broken off because its partition is another's now, or soon; whoever has it next will do it. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned'
}

export function createLease(): Lease {
  const ending = new AbortController()
  let lost = false
  return {
    owned: new Map(),
    ending: ending.signal,
    isLost: () => lost,
    end: () => ending.abort(),
    lose() {
      lost = true
      ending.abort()
    },
  }
}

/** The offset that the next message read must have. */
export function nextToRead({ position, gathered }: Owned): number {
  return (gathered.at(-1)?.offset ?? position - 1) + 1
}
