/** An error as ClickHouse has it: a code, a name, a sentence. Source: src/Common/ErrorCodes.cpp */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: number
  /** The code's name, as SYNTAX_ERROR. */
  readonly type: string
  constructor(code: number, type: string, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
    this.type = type
  }
}

export const fault = {
  syntax: (message: string) => new Fault(62, 'SYNTAX_ERROR', message),
  notImplemented: (message: string) => new Fault(48, 'NOT_IMPLEMENTED', message),
  denied: (message: string) => new Fault(497, 'ACCESS_DENIED', message),
  readonly: (message: string) => new Fault(164, 'READONLY', message),
  badArguments: (message: string) => new Fault(36, 'BAD_ARGUMENTS', message),
  tooLarge: (message: string) => new Fault(229, 'QUERY_IS_TOO_LARGE', message),
  busy: (message: string) => new Fault(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', message),
  authentication: (user: string) =>
    new Fault(
      516,
      'AUTHENTICATION_FAILED',
      `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
    ),
}

/** What the engine threw, taken apart; anything else is an error of ours, and its text stays inside. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  const text = error instanceof Error ? error.message : String(error)
  const [, code, sentence] = /^(?:.*?)Code: (\d+)\. DB::Exception: (.*)$/s.exec(text) ?? []
  if (code === undefined || sentence === undefined) {
    return new Fault(1001, 'STD_EXCEPTION', 'the store failed at this; its log says why', { cause: error })
  }
  const types = [...sentence.matchAll(/\(([A-Z][A-Z0-9_]{2,})\)/g)]
  const type = types.at(-1)?.[1] ?? 'UNKNOWN_EXCEPTION'
  return new Fault(Number(code), type, tidy(sentence), { cause: error })
}

/** As the answer's body has it. */
export function faultText({ code, type, message }: Fault, version: string): string {
  return `Code: ${code}. DB::Exception: ${message}. (${type}) (version ${version})\n`
}

/**
 * Without the code and name that were taken off, and without the paths of our own files. The text can hold a whole
 * query: no pattern here begins with a repetition, which would be tried from every blank of a long run of them.
 */
function tidy(sentence: string): string {
  const text = sentence
    .trimEnd()
    .replace(/\([A-Z][A-Z0-9_]{2,}\)$/, '')
    .replace(/ ?\(version [\d.]+\)/g, '')
    .replace(/: \(in file\/uri [^)]*\)/g, '')
    .replace(/: In scope SELECT formatQuerySingleLine\(.*$/s, '')
    .trimEnd()
  return withoutDots(text)
}

function withoutDots(text: string): string {
  let end = text.length
  while (text[end - 1] === '.' || text[end - 1] === ' ') end -= 1
  return text.slice(0, end)
}

const BAD_REQUEST = new Set([
  6, 8, 15, 25, 26, 27, 36, 38, 41, 44, 53, 62, 72, 117, 166, 167, 168, 223, 321, 376, 427, 440, 441, 582,
])
const NOT_FOUND = new Set([46, 47, 50, 56, 60, 63, 73, 78, 81, 98, 115, 511])
const FORBIDDEN = new Set([192, 193, 497, 512, 516])
const UNAVAILABLE = new Set([76, 202, 209, 439])

/** Source: ClickHouse src/Server/HTTP/exceptionCodeToHTTPStatus.cpp; 202 is 503 here, since coming back later helps. */
export function statusOf({ code }: Fault): number {
  if (code === 194) return 401
  if (FORBIDDEN.has(code)) return 403
  if (BAD_REQUEST.has(code)) return 400
  if (NOT_FOUND.has(code)) return 404
  if (UNAVAILABLE.has(code)) return 503
  if (code === 229) return 413
  if (code === 48) return 501
  if (code === 159) return 408
  return 500
}
