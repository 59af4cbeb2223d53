/** One minute's rows in columns, grown as needed and reused. Rows of one stream stand together, a network's before its prefixes'. */
export type Batch = {
  size: number
  stream: Int32Array
  stratum: Int32Array
  n: Float64Array
  k: Float64Array
  completed: Float64Array
  worst: Int32Array
  worstFailed: Float64Array
}

export type BatchRow = {
  stream: number
  stratum: number
  n: number
  k: number
  completed: number
  worst: number
  worstFailed: number
}

export function createBatch(capacity = 256): Batch {
  return {
    size: 0,
    stream: new Int32Array(capacity),
    stratum: new Int32Array(capacity),
    n: new Float64Array(capacity),
    k: new Float64Array(capacity),
    completed: new Float64Array(capacity),
    worst: new Int32Array(capacity),
    worstFailed: new Float64Array(capacity),
  }
}

export function pushRow(batch: Batch, row: BatchRow): void {
  const at = batch.size
  if (at === batch.stream.length) widen(batch)
  batch.stream[at] = row.stream
  batch.stratum[at] = row.stratum
  batch.n[at] = row.n
  batch.k[at] = row.k
  batch.completed[at] = row.completed
  batch.worst[at] = row.worst
  batch.worstFailed[at] = row.worstFailed
  batch.size = at + 1
}

function widen(batch: Batch): void {
  const wider = createBatch(batch.stream.length * 2)
  wider.stream.set(batch.stream)
  wider.stratum.set(batch.stratum)
  wider.n.set(batch.n)
  wider.k.set(batch.k)
  wider.completed.set(batch.completed)
  wider.worst.set(batch.worst)
  wider.worstFailed.set(batch.worstFailed)
  Object.assign(batch, wider, { size: batch.size })
}
