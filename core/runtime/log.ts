import { type DestinationStream, pino } from 'pino'

/** The log as the steps see it: facts first, then the sentence. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** JSON lines for programs; `destination` is where they go (standard error by default). */
export function createLogger({
  level,
  destination = pino.destination({ dest: 2, sync: true }),
}: {
  level: LogLevel
  destination?: DestinationStream
}): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // A secret never reaches the log, wherever in a record it stands.
      redact: ['token', 'password', 'authorization', '*.token', '*.password', '*.authorization'],
    },
    destination,
  )
}

/** Lines for a person at a terminal: time, level when it matters, sentence, then the facts. */
export function createPrettyStream(write: (line: string) => void, colour: boolean): DestinationStream {
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  return {
    write(json: string) {
      const { level, time, msg, ...facts } = JSON.parse(json) as Record<string, unknown>
      const mark = level === 'error' ? paint(31, 'error ') : level === 'warn' ? paint(33, 'warning ') : ''
      const rest = Object.entries(facts)
        .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(' ')
      const clock = String(time).slice(11, 19)
      write(`${paint(2, clock)}  ${mark}${String(msg ?? '')}${rest === '' ? '' : `  ${paint(2, rest)}`}\n`)
    },
  }
}
