export type Table = ReturnType<typeof createTable>

/** Rows of so many floats, integers and short ones, that grow by a sixteenth, so that little stands empty. */
export function createTable(fields: { floats: number; ints: number; shorts?: number }) {
  const { shorts: perRow = 0 } = fields
  let count = 0
  let rows = 64
  let floats = new Float32Array(rows * fields.floats)
  let ints = new Int32Array(rows * fields.ints)
  let shorts = new Uint16Array(rows * perRow)

  function grow(): void {
    rows = Math.ceil(rows * 1.0625) + 64
    const [widerFloats, widerInts] = [
      new Float32Array(rows * fields.floats),
      new Int32Array(rows * fields.ints),
    ]
    const widerShorts = new Uint16Array(rows * perRow)
    widerFloats.set(floats)
    widerInts.set(ints)
    widerShorts.set(shorts)
    floats = widerFloats
    ints = widerInts
    shorts = widerShorts
  }

  return {
    get count() {
      return count
    },
    get floats() {
      return floats
    },
    get ints() {
      return ints
    },
    get shorts() {
      return shorts
    },
    /** Number of a new row, all zeros. */
    add(): number {
      if (count === rows) grow()
      count += 1
      return count - 1
    },
    /** Visits the first float of each row. */
    forEach(visit: (offset: number) => void): void {
      for (let row = 0; row < count; row++) visit(row * fields.floats)
    },
    bytes: () => floats.byteLength + ints.byteLength + shorts.byteLength,
  }
}
