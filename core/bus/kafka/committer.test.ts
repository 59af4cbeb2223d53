import { describe, expect, it } from 'vitest'
import { createLogger } from '../../runtime/log.ts'
import { commitOffset } from './committer.ts'
import { createLease, type Lease } from './lease.ts'
import { createReadiness } from './readiness.ts'

/** An error as the client throws it for a broker's answer. */
class Answer extends Error {
  override readonly name = 'KafkaJSProtocolError'
  readonly type: string
  constructor(type: string) {
    super(type)
    this.type = type
  }
}

describe('a commit', () => {
  it('carries the offset and what stands beside it', async () => {
    const sent = await commitWith(createLease(), [])
    expect(sent).toEqual([
      {
        topics: [
          { topic: 'events', partitions: [{ partition: 3, offset: '42', metadata: expect.any(String) }] },
        ],
      },
    ])
    expect(sent[0]?.topics[0]?.partitions[0]?.metadata).toBe('halfshake 1 0123456789abcdef')
  })

  it('is repeated when the broker may take it later', async () => {
    expect(await commitWith(createLease(), ['NOT_ENOUGH_REPLICAS', 'REQUEST_TIMED_OUT'])).toHaveLength(3)
  })

  it('is never sent for a partition of a round before, although the client would', async () => {
    const lease = createLease()
    lease.lose()
    await expect(commitWith(lease, [])).rejects.toMatchObject({ name: 'Abandoned' })
  })

  it('is given up, and the lease with it, when the group went on without us', async () => {
    for (const type of ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']) {
      const lease = createLease()
      await expect(commitWith(lease, [type])).rejects.toMatchObject({ name: 'Abandoned' })
      expect(lease.isLost()).toBe(true)
    }
  })

  it('is given up, but may be tried by others of this lease, while the group rebalances', async () => {
    const lease = createLease()
    await expect(commitWith(lease, ['REBALANCE_IN_PROGRESS'])).rejects.toMatchObject({ name: 'Abandoned' })
    expect([lease.isLost(), lease.ending.aborted]).toEqual([false, true])
  })

  it('fails for good when repeating cannot help', async () => {
    await expect(commitWith(createLease(), ['GROUP_AUTHORIZATION_FAILED'])).rejects.toThrow(
      'GROUP_AUTHORIZATION_FAILED',
    )
  })
})

type Sent = {
  topics: { topic: string; partitions: { partition: number; offset: string; metadata?: string }[] }[]
}

/** Commits against a broker that gives these answers, and then takes it; returns what was sent. */
async function commitWith(lease: Lease, answers: string[]): Promise<Sent[]> {
  const sent: Sent[] = []
  const log = createLogger({ level: 'silent' })
  await commitOffset(
    {
      async commitOffsetsIfNecessary(offsets) {
        sent.push(offsets as Sent)
        const answer = answers.shift()
        if (answer !== undefined) throw new Answer(answer)
      },
    },
    {
      lease,
      topic: 'events',
      partition: 3,
      offset: 42,
      progress: { incarnation: '0123456789abcdef' },
      connection: { brokers: ['kafka:9092'], clientId: 'test' },
      readiness: createReadiness({ name: 'bus', log }),
    },
  )
  return sent
}
