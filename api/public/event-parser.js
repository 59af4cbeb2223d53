/** An event larger than this is none of the server's. */
const LARGEST = 1_000_000

/**
 * Reads server-sent events from text as it comes, in pieces of any size.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 * @returns {(text: string) => { id?: string, event?: string, data?: string, retry?: string }[]} what the piece completed
 */
export function createEventParser() {
  let rest = ''
  return (text) => {
    rest += text
    const blocks = rest.split(/\r?\n\r?\n/)
    rest = blocks.pop()
    if (rest.length > LARGEST) throw new Error('an event has no end')
    return blocks.map(fieldsOf)
  }
}

function fieldsOf(block) {
  const fields = {}
  for (const line of block.split(/\r?\n/)) {
    // What begins with a colon is a comment.
    const [, name, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? []
    if (name === undefined) continue
    fields[name] = name === 'data' && 'data' in fields ? `${fields.data}\n${value}` : value
  }
  return fields
}
