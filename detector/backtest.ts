import { MINUTE, type MinuteCount } from './count.ts'
import { createDetector, type Detector } from './detector.ts'
import type { Incident } from './incident.ts'
import type { DetectorOptions } from './options.ts'
import type { Closing } from './order.ts'

const CHUNK_MINUTES = 60

export type Replay = {
  /** The last state of every incident, in the order in which they began. */
  incidents: Incident[]
  detector: Detector
  /** Minutes that held anything. */
  minutes: number
}

/** Judges the minutes from `from` up to, not including, `to` (seconds since 1970), exactly as they are judged live. */
export async function replay({
  read,
  from,
  to,
  closings = [],
  onProgress = () => undefined,
  afterMinute,
  options = {},
}: {
  read: (from: number, to: number) => Promise<MinuteCount[]>
  from: number
  to: number
  /** Incidents closed by hand, by minute. */
  closings?: readonly Closing[]
  /** Share that is done, from 0 to 1. */
  onProgress?: (share: number) => void
  /** Waited for after each minute: others may have their turn, or it throws and that is the end. */
  afterMinute?: () => Promise<void> | undefined
  options?: Partial<DetectorOptions>
}): Promise<Replay> {
  const detector = createDetector(options)
  const incidents = new Map<string, Incident>()
  let minutes = 0
  const begin = Math.floor(from / MINUTE) * MINUTE
  for (let start = begin; start < to; start += CHUNK_MINUTES * MINUTE) {
    const end = Math.min(start + CHUNK_MINUTES * MINUTE, to)
    const counts = byMinute(await read(start, end))
    for (let minute = start; minute < end; minute += MINUTE) {
      const present = counts.get(minute) ?? []
      if (present.length > 0) minutes += 1
      for (const closing of closings) {
        if (closing.minute !== minute) continue
        for (const incident of detector.closeByHand(closing, minute)) incidents.set(incident.id, incident)
      }
      for (const incident of detector.judgeMinute(minute, present).incidents)
        incidents.set(incident.id, incident)
      await afterMinute?.()
    }
    onProgress((end - begin) / Math.max(1, to - begin))
  }
  return { incidents: [...incidents.values()].sort((a, b) => a.onset - b.onset), detector, minutes }
}

function byMinute(counts: readonly MinuteCount[]): Map<number, MinuteCount[]> {
  const minutes = new Map<number, MinuteCount[]>()
  for (const count of counts) {
    const minute = minutes.get(count.minute)
    if (minute === undefined) minutes.set(count.minute, [count])
    else minute.push(count)
  }
  return minutes
}
