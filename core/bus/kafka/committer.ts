import type { EachBatchPayload } from 'kafkajs'
import { explainKafkaError, type KafkaConnection, kafkaErrorType } from './connection.ts'
import { formatProgress, type Progress } from './intent.ts'
import { Abandoned, type Lease } from './lease.ts'
import { backOff, pause } from './pause.ts'
import type { Readiness } from './readiness.ts'

/** The group goes on without us: what we hold is another's. */
const LOST = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'FENCED_INSTANCE_ID',
  'NOT_COORDINATOR_FOR_GROUP',
])
const REBALANCING = 'REBALANCE_IN_PROGRESS'
/** Trying again changes nothing. */
const REFUSED = new Set([
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'OFFSET_METADATA_TOO_LARGE',
  'INVALID_COMMIT_OFFSET_SIZE',
])

/**
 * Commits an offset with its metadata and resolves when the broker has it. It is the payload's own commit that is
 * used: the consumer's `commitOffsets` does nothing, silently, while its runner is not running, and its retries
 * would carry a commit over into the next generation. The lease is asked in the same turn in which the generation
 * is read.
 */
export async function commitOffset(
  payload: Pick<EachBatchPayload, 'commitOffsetsIfNecessary'>,
  {
    lease,
    topic,
    partition,
    offset,
    progress,
    connection,
    readiness,
  }: {
    lease: Lease
    topic: string
    partition: number
    offset: number
    progress: Progress
    connection: KafkaConnection
    readiness: Readiness
  },
): Promise<void> {
  const metadata = formatProgress(progress)
  const topics = [{ topic, partitions: [{ partition, offset: String(offset), metadata }] }]
  for (let attempt = 0; ; attempt += 1) {
    if (lease.isLost()) throw new Abandoned()
    try {
      await payload.commitOffsetsIfNecessary({ topics })
      return
    } catch (error) {
      heed(error, lease)
      if (REFUSED.has(kafkaErrorType(error))) throw error
      if (lease.ending.aborted) throw new Abandoned('', { cause: error })
      readiness.unready(explainKafkaError(error, connection))
      await pause(backOff(attempt), lease.ending)
    }
  }
}

/** Tells the lease what an answer of the group's coordinator means for it. */
export function heed(error: unknown, lease: Lease): void {
  const type = kafkaErrorType(error)
  if (LOST.has(type)) lease.lose()
  else if (type === REBALANCING) lease.end()
}
