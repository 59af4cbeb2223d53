import { failingClients, worstClient } from './clients.ts'
import { MINUTE } from './count.ts'
import { EXCESSES } from './evidence.ts'
import type { Fleet } from './fleet.ts'
import { evidenceOf, type Objection, usualPerMinute } from './judge.ts'
import { at, F, FLOATS, I, INTS } from './streams.ts'
import type { Row } from './teach.ts'

/** The numbers behind a verdict, or behind its absence. */
export type StreamState = {
  /** Own history: decayed clients and failures, their mean rate, its upper limit, correlation within a minute. */
  history_clients: number
  history_failed: number
  usual_rate: number
  expected_rate: number
  rho: number
  usual_successes_per_minute: number
  /** R for each excess tested, their mean E against the threshold A, and the CUSUM that dates the onset. */
  scores: { excess: number; score: number }[]
  evidence: number
  threshold: number
  cusum: number
  /** Since the onset, 0 when there is none: clients decided, failed, failures of the worst client, failing clients. */
  onset: number
  decided: number
  failed: number
  worst_client_failed: number
  failing_clients: number
  /** What keeps an alarm back although the evidence suffices, '' if nothing. */
  objection: Objection
  incident_open: boolean
  /** Whether a client that fails alone all the time is left out of the counts. */
  client_left_out: boolean
}

export function streamState(fleet: Fleet, stream: number): StreamState {
  const { floats, ints } = fleet.streams
  const row: Row = { floats, ints, f: stream * FLOATS, i: stream * INTS }
  const open = at(ints, row.i + I.INCIDENT) !== 0
  const inEpisode = open || at(floats, row.f + F.C) > 0
  return {
    ...historyOf(row),
    scores: EXCESSES.map((excess, d) => ({ excess, score: at(floats, row.f + F.R + d) })),
    evidence: evidenceOf(row),
    threshold: fleet.thresholdOf(stream),
    cusum: at(floats, row.f + F.C),
    onset: inEpisode ? at(ints, row.i + I.ONSET) * MINUTE : 0,
    decided: inEpisode ? at(floats, row.f + F.N) : 0,
    failed: inEpisode ? at(floats, row.f + F.K) : 0,
    worst_client_failed: worstClient(row).failures,
    failing_clients: failingClients(row),
    objection: fleet.suspicions.find((suspicion) => suspicion.stream === stream)?.objection ?? '',
    incident_open: open,
    client_left_out: at(ints, row.i + I.IGNORED) !== 0,
  }
}

function historyOf(row: Row) {
  const { floats, f } = row
  const usual = usualPerMinute(row)
  return {
    history_clients: at(floats, f + F.HISTORY_N),
    history_failed: at(floats, f + F.HISTORY_K),
    usual_rate: at(floats, f + F.MEAN),
    expected_rate: at(floats, f + F.UPPER),
    rho: at(floats, f + F.RHO),
    usual_successes_per_minute: usual.known ? usual.succeeded : 0,
  }
}
