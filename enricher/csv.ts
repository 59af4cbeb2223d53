/**
 * The fields of one line of CSV (RFC 4180, but no line breaks within quotes), blanks around unquoted fields
 * removed; undefined when a quote is opened and not closed or something follows a closed one.
 */
export function parseCsvLine(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',').map((field) => field.trim())
  const fields: string[] = []
  for (let at = 0; at <= line.length; ) {
    while (line[at] === ' ' || line[at] === '\t') at += 1
    const field = line[at] === '"' ? quotedField(line, at + 1) : plainField(line, at)
    if (field === undefined) return undefined
    fields.push(field.text)
    at = field.next
  }
  return fields
}

type Field = { text: string; next: number }

function plainField(line: string, from: number): Field {
  const comma = line.indexOf(',', from)
  const end = comma < 0 ? line.length : comma
  return { text: line.slice(from, end).trim(), next: end + 1 }
}

/** `""` within quotes is one quote. */
function quotedField(line: string, from: number): Field | undefined {
  let text = ''
  for (let at = from; ; ) {
    const quote = line.indexOf('"', at)
    if (quote < 0) return undefined
    text += line.slice(at, quote)
    if (line[quote + 1] !== '"') {
      const rest = plainField(line, quote + 1)
      return rest.text === '' ? { text, next: rest.next } : undefined
    }
    text += '"'
    at = quote + 2
  }
}
