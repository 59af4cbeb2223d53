/** Where the agent says what its operator should know. Shaped like pino, so that a pino logger fits as it is. */
export type AgentLog = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * The log when none is given: warnings and errors become process warnings (code `HALFSHAKE_AGENT`), which Node
 * prints on stderr and which the application can listen to; the rest is dropped.
 */
export function createWarningLog(
  emitWarning: (warning: string, options: { code: string }) => void,
): AgentLog {
  const warn = (_fields: object, message: string) => {
    emitWarning(`halfshake: ${message}`, { code: 'HALFSHAKE_AGENT' })
  }
  return { debug: () => undefined, info: () => undefined, warn, error: warn }
}

/** Remembers what was said, so that a lasting trouble is one line and not thousands. */
export type Once = {
  /** Calls `say` unless this topic was said already and not cleared since. */
  say(topic: string, say: () => void): void
  /** Clears a topic and tells whether it had been said: the time to say that the trouble is over. */
  clear(topic: string): boolean
}

export function createOnce(): Once {
  const said = new Set<string>()
  return {
    say(topic, say) {
      if (said.has(topic)) return
      said.add(topic)
      say()
    },
    clear: (topic) => said.delete(topic),
  }
}
