import type { TlsFacts } from './tls-reader.ts'

/** An alert in TLS 1.3, once keys are there: two bytes, the type, and a tag (RFC 8446 section 5.2). */
const HIDDEN_ALERT = 19

/**
 * The end of a TLS 1.3 handshake. All but the hellos is hidden: what is known is who sent records, and how long. The client's
 * Finished is not the end yet, since the server may refuse its certificate: so the next record tells.
 */
export class HiddenFinish {
  /** When the client's Finished was captured, ms since 1970. */
  at: number | undefined
  /** Whether the client was asked for a certificate, so that the server may refuse it. */
  mayBeRefused = false
  #record = -1
  #serverRecords = 0

  /** Looks again, after a segment captured at this time. */
  look(
    client: TlsFacts,
    server: TlsFacts,
    at: number,
  ): 'completed' | 'client_alert' | 'server_alert' | undefined {
    const [said, answered] = [client.hidden, server.hidden]
    if (answered.length === 0) return undefined
    const early = client.clientHello?.earlyData === true
    if (said.length === 0 || (early && !said.some(isFinished))) return undefined
    // A certificate may come in records of its own before; where none is of a Finished's length, it lies within the last.
    const place = said.findIndex(isFinished)
    if (place < 0 && said.at(-1) === HIDDEN_ALERT) return 'client_alert'
    const finished = place < 0 ? said.length - 1 : place
    if (finished !== this.#record) {
      this.#record = finished
      this.at = at
      this.#serverRecords = answered.length
    }
    // What is refused then is the client's certificate. Without one that is how a server says that it closes.
    this.mayBeRefused = place !== 0 && !early
    const next = answered[this.#serverRecords]
    if (this.mayBeRefused && next === HIDDEN_ALERT && answered.length === this.#serverRecords + 1)
      return 'server_alert'
    const more = place >= 0 && said.length > place + 1
    return next !== undefined || more ? 'completed' : undefined
  }
}

/** Finished of a SHA-256 or SHA-384 suite, with its header, type and tag. */
function isFinished(length: number): boolean {
  return length === 53 || length === 69
}
