/** Counters by a stable reason. */
export type Reasons = Record<string, number>

/** What became of the events, and how the sending goes. */
export type ReporterCounts = {
  /** Events handed to the reporter. */
  reported: number
  /** Events found in the spool of an earlier run. */
  adopted: number
  /** Events ingest has stored. */
  delivered: number
  /** Events ingest had stored already, when the answer to an earlier attempt was lost. */
  duplicate: number
  /** Events ingest refused, by its reason or by the status of its answer. */
  rejected: Reasons
  /** Events given up before they were sent, by reason. */
  dropped: Reasons
  /** Requests that did not end in a `202`, by status or kind of failure. */
  failedRequests: Reasons
}

export function createReporterCounts(): ReporterCounts {
  return {
    reported: 0,
    adopted: 0,
    delivered: 0,
    duplicate: 0,
    rejected: {},
    dropped: {},
    failedRequests: {},
  }
}

export function add(reasons: Reasons, reason: string, count: number): void {
  reasons[reason] = (reasons[reason] ?? 0) + count
}

export function copyCounts(counts: ReporterCounts): ReporterCounts {
  const { rejected, dropped, failedRequests } = counts
  return {
    ...counts,
    rejected: { ...rejected },
    dropped: { ...dropped },
    failedRequests: { ...failedRequests },
  }
}
