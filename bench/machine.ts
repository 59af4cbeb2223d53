import { cpus, release, totalmem } from 'node:os'

/** The machine and the versions that a table was measured with, for its heading. */
export function describeMachine(versions: Record<string, string> = {}): string {
  const [cpu] = cpus()
  const parts = [
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    ...Object.entries(versions).map(([name, version]) => `${name} ${version}`),
  ]
  return parts.join(', ')
}

/** A Markdown table; numbers to the right. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  const rule = header.map((_, i) =>
    rows.every((row) => typeof row[i] === 'number' || /^[\d.,]+( ?[%×a-zµ/]+)?$/i.test(String(row[i])))
      ? '---:'
      : '---',
  )
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
