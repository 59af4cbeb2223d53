import type { DecidingEvent } from '../event/index.ts'

/** A line that was refused at the edge of the pipeline; it is kept with its bytes and its reason. */
export type DeadLine = {
  line: number
  reason: string
  field: string
  message: string
  /** How many bytes the line had; `raw` may hold fewer. */
  bytes: number
  raw: Uint8Array
}

/** One batch of one agent, as ingest hands it on. */
export type Batch = {
  agent: string
  /** Identity of the agent's run. */
  epoch: number
  /** Number of the batch within the run, from 1. */
  sequence: number
  /** Arrival at ingest, ms since 1970. */
  received_at: number
  bus_partition: number
  bus_offset: number
  events: { line: number; event: DecidingEvent }[]
  /** Events of state `new`: counted, and nothing else. */
  opened: number
  refused: DeadLine[]
}

/** What became of a batch. */
export type Receipt = {
  /** Valid lines. */
  accepted: number
  /** Lines that went to the dead letters. */
  rejected: number
  /** Whether it had been stored before; nothing was counted again. */
  duplicate: boolean
}

/** The way from ingest to the enricher. */
export type Bus = {
  /** Resolves when the batch is durable. Throws `BusFull` when it cannot be taken now, `BatchTooLarge` when never. */
  publish(batch: Batch): Promise<Receipt>
}

/** The bus takes nothing more for the moment: the sender should come again later. */
export class BusFull extends Error {
  override readonly name = 'BusFull'
  readonly retryAfterSeconds: number
  constructor(message: string, retryAfterSeconds: number) {
    super(message)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The bus takes no batch of this size: the sender should send smaller ones. */
export class BatchTooLarge extends Error {
  override readonly name = 'BatchTooLarge'
}
