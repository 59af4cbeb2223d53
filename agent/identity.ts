import { randomBytes } from 'node:crypto'
import { threadId } from 'node:worker_threads'

/** Who this run of the agent is. */
export type Identity = {
  /** Start of the run in ms, times 1000, plus a number of this process: what tells runs of one agent name apart. */
  epoch: number
  /** Names a connection, unique for all time: 72 random bits for the run, then a count. */
  nextId: () => string
}

/** The epochs given out in this process, shared with any other copy of this package in it. */
const TAKEN = Symbol.for('halfshake.agent.epochs')

export function createIdentity(startedAt: number): Identity {
  const run = randomBytes(9).toString('base64url')
  let count = 0
  return {
    epoch: freeEpoch(startedAt * 1000 + ((process.pid + threadId) % 1000)),
    nextId: () => {
      count += 1
      return `${run}.${count.toString(36)}`
    },
  }
}

/**
 * Workers of one machine that start within one millisecond have different pids; two servers observed by one process
 * in one millisecond are told apart here.
 */
function freeEpoch(wanted: number): number {
  const shared = globalThis as { [TAKEN]?: Set<number> }
  shared[TAKEN] ??= new Set()
  const taken = shared[TAKEN]
  let epoch = wanted
  while (taken.has(epoch)) epoch += 1
  taken.add(epoch)
  return epoch
}
