import type { LedgerCounts } from './ledger/counts.ts'
import type { AgentLog } from './log.ts'
import type { ReporterCounts } from './reporter/counts.ts'

export type ObserveOptions = {
  /** Where Halfshake's ingest listens, without `/v1/events`: `https://halfshake.example.net`. */
  url: string
  /** Token with the scope `ingest`. Without one, only an ingest on loopback that asks for none will do. */
  token?: string
  /** This agent's name; the same after a restart. Default: the host's name. */
  agent?: string
  /** Where the server stands, as you call it; on every event. */
  site?: string
  /** How long a handshake may take, in ms; 0 sets no deadline. Default 10 000. */
  handshakeTimeout?: number
  /** Whether to ask the kernel (`ss`, Linux) about handshakes that stall. Default true. */
  kernel?: boolean
  /** Whether to report each accepted connection as `new` too. Default false. */
  reportNew?: boolean
  batch?: {
    /** Events in a batch, at most. Default 1000. */
    events?: number
    /** How long an event may wait for its batch to fill, in ms. Default 2000. */
    delay?: number
  }
  spool?: {
    /** Compressed bytes kept while the ingest cannot be reached. Default 16 MiB. */
    maxBytes?: number
    /** A folder for them, so that they survive the process. Default: memory. */
    directory?: string
  }
  /** How long one request to the ingest may take, in ms. Default 10 000. */
  requestTimeout?: number
  /** How long `close()` and SIGTERM wait for the last batches, in ms. Default 3000. */
  drainTimeout?: number
  /** Whether SIGTERM ends the observation when nobody else listens to it. Default true. */
  stopOnSigterm?: boolean
  /** Where the agent says what is wrong. Default: Node's process warnings. */
  log?: AgentLog
}

export type Observation = {
  /**
   * Ends the observation: undecided handshakes are reported as `agent_stopped`, the last batches are sent (for at most
   * `drainTimeout` ms), and nothing of the agent is left on the server or the process. The server goes on.
   */
  close(): Promise<void>
  stats(): AgentStats
}

export type AgentStats = {
  agent: string
  epoch: number
  /** Handshakes seen, by what became of them; `open` are not decided yet. */
  handshakes: LedgerCounts & { open: number }
  /** Events, by what became of them: reported + adopted = delivered + duplicate + rejected + dropped + waiting. */
  events: ReporterCounts & { waiting: number }
  /** Sealed batches waiting, and their bytes. */
  spool: { batches: number; bytes: number }
  /** Calls of `ss`, and how many of them failed. */
  kernel: { looks: number; failed: number }
}
