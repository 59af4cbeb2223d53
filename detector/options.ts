/** Minutes in ten years: the mean time between two false alarms of one stream. */
export const TEN_YEARS = 5_259_600

export type DetectorOptions = {
  /** Threshold A: minutes between false alarms of one stream. Default ten years. */
  alarm_minutes: number
  /** From this evidence on a stream is called suspect. */
  suspect_evidence: number
  /** Above this many streams A grows in proportion, so that a larger fleet does not alarm more often. */
  streams_at_base: number
  /** Prefixes seen first when there are so many streams are not followed; their networks still are. */
  most_streams: number
  /** Parts of the method that can be switched off, to measure what each is worth (bench/detection). */
  parts: DetectorParts
}

export type DetectorParts = {
  /** Contrast to the rest of the world (and of a prefix to its network). */
  world: boolean
  /** One factor per site and hour of day. */
  season: boolean
  /** Learn overdispersion; otherwise every client is taken as independent. */
  overdispersion: boolean
  /** The failures must be many clients'. */
  worst_client: boolean
  /** Failures on top of the usual traffic are a scanner's. */
  extra_traffic: boolean
  /** Networks of which fewer clients come than usual. */
  volume: boolean
  /** Widen the expected rate by how uncertain it is. */
  upper_limit: boolean
}

export const ALL_PARTS: DetectorParts = {
  world: true,
  season: true,
  overdispersion: true,
  worst_client: true,
  extra_traffic: true,
  volume: true,
  upper_limit: true,
}

export const DEFAULT_OPTIONS: DetectorOptions = {
  alarm_minutes: TEN_YEARS,
  suspect_evidence: 1000,
  streams_at_base: 10_000,
  most_streams: 200_000,
  parts: ALL_PARTS,
}
