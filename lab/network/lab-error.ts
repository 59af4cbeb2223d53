/** A fault a person can mend: what is missing, and the command or privilege that mends it. */
export class LabError extends Error {
  override readonly name = 'LabError'
  readonly remedy: string
  constructor(message: string, remedy: string, cause?: unknown) {
    super(`${message}: ${remedy}`, { cause })
    this.remedy = remedy
  }
}

/** The run was ended by a signal (Ctrl-C); the namespaces are already gone when this is thrown. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: NodeJS.Signals
  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`)
    this.signal = signal
  }
}
