/**
 * A sealed batch. Ingest recognises a repeat by (agent, epoch, sequence), so what was sealed is never changed: it is
 * sent again with the same bytes and the same numbers until its fate is known.
 */
export type Batch = {
  agent: string
  /** The run of the agent that sealed it. */
  epoch: number
  /** From 1, one more each batch. */
  sequence: number
  /** Lines in it. */
  events: number
  /** Newline-delimited JSON, gzip. */
  body: Buffer
}

/** A batch as the spool lists it; its body may be on disk. */
export type Listed = Omit<Batch, 'body'> & {
  /** Length of the body. */
  bytes: number
  /** Whether it was sent at least once, so that ingest may have stored it. */
  attempted: boolean
}

/** In the order in which batches must be sent: ingest takes anything at or below the highest sequence for a repeat. */
export function inOrder(a: Listed, b: Listed): number {
  return a.epoch - b.epoch || a.sequence - b.sequence
}
