/** The server given to `observe` cannot be observed. */
export class ObserveError extends TypeError {
  override readonly name = 'ObserveError'
  readonly code: 'HALFSHAKE_NOT_A_TLS_SERVER' | 'HALFSHAKE_ALREADY_OBSERVED'

  constructor(code: ObserveError['code'], message: string) {
    super(`halfshake agent: ${message}`)
    this.code = code
  }
}
