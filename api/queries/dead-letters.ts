import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'
import { dateTime } from './causes.ts'

export type DeadLettersFilter = { reason?: string | undefined; agent?: string | undefined }

/** Sort key of a dead letter: arrival (ms since 1970), agent, its run, batch and line. */
export type DeadLetterKey = readonly [
  received_at: number,
  agent: string,
  epoch: number,
  sequence: number,
  line: number,
]

export type DeadLetterItem = {
  received_at_ms: number
  agent: string
  epoch: number
  sequence: number
  line: number
  reason: string
  field: string
  message: string
  bytes: number
  raw_base64: string
}

type Asked = { window: Window; filter: DeadLettersFilter }

/** How many there are of each reason. */
export function countDeadLetters(
  store: Queries,
  asked: Asked,
): Promise<{ reason: string; count: number; latest_ms: number }[]> {
  const { sql, parameters } = where(asked)
  return store.query(
    `
SELECT reason, count() AS count, toUnixTimestamp64Milli(max(received_at)) AS latest_ms
FROM dead_letters
WHERE ${sql}
GROUP BY reason
ORDER BY count DESC, reason`,
    parameters,
  )
}

/** The latest, one row more than `limit`. */
export function findDeadLetters(
  store: Queries,
  asked: Asked & { after?: DeadLetterKey | undefined; limit: number },
): Promise<DeadLetterItem[]> {
  const { sql, parameters } = where(asked)
  const place =
    asked.after === undefined
      ? '1'
      : `(toUnixTimestamp64Milli(received_at), agent, epoch, sequence, line)
    < ({after_ms:Int64}, {after_agent:String}, {after_epoch:UInt64}, {after_sequence:UInt64}, {after_line:UInt32})`
  const [after_ms = 0, after_agent = '', after_epoch = 0, after_sequence = 0, after_line = 0] =
    asked.after ?? []
  return store.query(
    `
SELECT
  toUnixTimestamp64Milli(received_at) AS received_at_ms,
  agent, epoch, sequence, line, reason, field, message, bytes,
  base64Encode(raw) AS raw_base64
FROM dead_letters
WHERE ${sql}
  AND ${place}
ORDER BY received_at DESC, agent DESC, epoch DESC, sequence DESC, line DESC
LIMIT {rows:UInt32}`,
    {
      ...parameters,
      after_ms,
      after_agent,
      after_epoch,
      after_sequence,
      after_line,
      rows: asked.limit + 1,
    },
  )
}

function where({ window, filter: { reason, agent } }: Asked) {
  const sql = [
    `received_at >= {from:DateTime64(3, 'UTC')}`,
    `received_at < {to:DateTime64(3, 'UTC')}`,
    ...(reason === undefined ? [] : ['reason = {reason:String}']),
    ...(agent === undefined ? [] : ['agent = {agent:String}']),
  ]
  const parameters = {
    from: dateTime(window.from),
    to: dateTime(window.to),
    ...(reason !== undefined && { reason }),
    ...(agent !== undefined && { agent }),
  }
  return { sql: sql.join('\n  AND '), parameters }
}
