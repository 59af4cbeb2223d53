import { badParameters } from './parameters.ts'
import { type Clock, ceilTo, DAY, floorTo, HOUR, iso, MINUTE, type Window } from './window.ts'

export const STEPS = { minute: MINUTE, '5m': 5 * MINUTE, hour: HOUR, day: DAY } as const
export type Step = keyof typeof STEPS
export const STEP_NAMES = Object.keys(STEPS) as [Step]
export const MOST_POINTS = 1_500
/** A step chosen for the reader gives about so many points at most. */
const READABLE_POINTS = 300

/** The step, and the window widened to whole steps. Throws a 400 problem when there would be too many points or minutes are gone. */
export function chooseStep(
  asked: Step | undefined,
  window: Window,
  clock: Clock,
): { step: Step; window: Window } {
  const aligned = (step: Step): Window => ({
    from: floorTo(window.from, STEPS[step]),
    to: ceilTo(window.to, STEPS[step]),
    rollup: STEPS[step] < HOUR ? 'minutes' : 'hours',
  })
  const points = (step: Step) => (aligned(step).to - aligned(step).from) / STEPS[step]
  const possible = STEP_NAMES.filter(
    (step) => points(step) <= MOST_POINTS && (STEPS[step] >= HOUR || window.from >= clock.minutesKeptFrom),
  )
  const fitting = possible.find((step) => points(step) <= READABLE_POINTS) ?? possible.at(-1)
  const step = asked ?? fitting
  if (step !== undefined && possible.includes(step)) return { step, window: aligned(step) }
  throw badParameters([
    {
      parameter: step === undefined ? 'from' : 'step',
      message:
        step === undefined || points(step) > MOST_POINTS
          ? `the window has ${points(step ?? 'day')} steps of a ${step ?? 'day'}`
          : `single minutes are no longer stored for ${iso(window.from)}`,
      allowed: possible.length === 0 ? 'a shorter window' : `one of ${possible.join(', ')} for this window`,
    },
  ])
}

/** The start of each step of a window of whole steps, ms since 1970. */
export function startsOf({ from, to }: Window, step: Step): number[] {
  return Array.from({ length: (to - from) / STEPS[step] }, (_, i) => from + i * STEPS[step])
}
