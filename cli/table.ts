import type { Io } from './io.ts'

/** Rows under a header, columns aligned; numbers to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  io: Pick<Io, 'bold'>,
): string {
  // Rows may be more than a call takes arguments.
  const widths = header.map((title, i) =>
    rows.reduce((widest, row) => Math.max(widest, String(row[i] ?? '').length), title.length),
  )
  const line = (cells: readonly (string | number)[]) =>
    cells
      .map((cell, i) => {
        const width = widths[i] ?? 0
        return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [io.bold(line(header)), ...rows.map(line)].join('\n')
}
