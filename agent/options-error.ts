/** One thing wrong with the options. */
export type Mistake = {
  /** The option, with dots for nested ones: `spool.maxBytes`. */
  field: string
  message: string
  /** What is allowed instead. */
  allowed: string
}

/** The options given to `observe` cannot be used; `mistakes` names all that is wrong with them. */
export class OptionsError extends TypeError {
  override readonly name = 'OptionsError'
  readonly code = 'HALFSHAKE_BAD_OPTIONS'
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    super(
      `halfshake agent: ${mistakes
        .map(({ field, message, allowed }) => `${field} ${message}; allowed: ${allowed}`)
        .join(' · ')}`,
    )
    this.mistakes = mistakes
  }
}
