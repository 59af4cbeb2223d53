import { Counter, Gauge, type Registry } from 'prom-client'

/** What the loop says about itself; without a registry, nothing. */
export function createLoopMetrics(registry: Registry | undefined) {
  if (registry === undefined) return { judged: () => undefined, state: () => undefined }
  const registers = [registry]
  const minutes = new Counter({
    name: 'halfshake_detector_minutes_judged_total',
    help: 'Minutes judged since the start, the replayed ones among them.',
    registers,
  })
  const seconds = new Counter({
    name: 'halfshake_detector_judging_seconds_total',
    help: 'Time spent judging minutes.',
    registers,
  })
  const last = new Gauge({
    name: 'halfshake_detector_judged_minute_timestamp_seconds',
    help: 'Start of the minute judged last.',
    registers,
  })
  const streams = new Gauge({ name: 'halfshake_detector_streams', help: 'Streams watched.', registers })
  const open = new Gauge({ name: 'halfshake_incidents_open', help: 'Incidents open now.', registers })
  const suspects = new Gauge({ name: 'halfshake_suspects', help: 'Streams under suspicion now.', registers })
  return {
    judged(minute: number, milliseconds: number) {
      minutes.inc()
      seconds.inc(milliseconds / 1000)
      last.set(minute)
    },
    state(size: { streams: number }, openIncidents: number, suspectStreams: number) {
      streams.set(size.streams)
      open.set(openIncidents)
      suspects.set(suspectStreams)
    },
  }
}
