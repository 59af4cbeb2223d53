import { AGENT_NAME } from '../options.ts'
import type { Batch } from './batch.ts'

/** A batch as it lies in a file: a line of JSON, then the body. */
export type BatchFile = Batch & {
  /** The sequence of the batch this one is a part of, which is void as long as the whole is there. */
  parent: number | undefined
}

const NEWLINE = 0x0a

export function fileName({ sequence }: Pick<Batch, 'sequence'>): string {
  return `${String(sequence).padStart(12, '0')}.batch`
}

export function formatBatchFile({ body, ...head }: Batch, parent?: number): Buffer {
  const line = JSON.stringify({ ...head, parent, bytes: body.length })
  return Buffer.concat([Buffer.from(`${line}\n`), body])
}

/** Parses a file's content; undefined when it is not whole, as after a power cut. */
export function parseBatchFile(content: Buffer): BatchFile | undefined {
  const end = content.indexOf(NEWLINE)
  const head = end < 0 ? undefined : parseHead(content.toString('utf8', 0, end))
  const body = content.subarray(end + 1)
  if (head === undefined || head.bytes !== body.length) return undefined
  const { agent, epoch, sequence, events, parent } = head
  return { agent, epoch, sequence, events, parent, body }
}

type Head = Omit<BatchFile, 'body'> & { bytes: number }

function parseHead(text: string): Head | undefined {
  let head: Partial<Record<keyof Head, unknown>>
  try {
    head = JSON.parse(text) ?? {}
  } catch {
    return undefined
  }
  const { agent, epoch, sequence, events, bytes, parent } = head
  if (typeof agent !== 'string' || !AGENT_NAME.test(agent) || !isCount(epoch) || !isCount(sequence))
    return undefined
  if (!isCount(events) || !isCount(bytes)) return undefined
  return { agent, epoch, sequence, events, bytes, parent: isCount(parent) ? parent : undefined }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
