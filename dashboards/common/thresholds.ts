import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { COLORS } from './colors.ts'

/** From which value on (null: from below everything) a figure has which colour, in rising order. */
export type Steps = readonly dashboard.Threshold[]

/** A success rate. An ordinary network completes 98 % and more. */
export const RATE_STEPS: Steps = [
  { value: null, color: COLORS.bad },
  { value: 0.9, color: COLORS.warning },
  { value: 0.98, color: COLORS.good },
]

/** A change of a rate: worse by a percentage point is worth a look, by five it is trouble. */
export const CHANGE_STEPS: Steps = [
  { value: null, color: COLORS.bad },
  { value: -0.05, color: COLORS.warning },
  { value: -0.01, color: COLORS.text },
]

/** Something of which there should be none. */
export const NONE_STEPS: Steps = [
  { value: null, color: COLORS.good },
  { value: 1, color: COLORS.bad },
]

/** Something that may wait for a moment. */
export const WAITING_STEPS: Steps = [
  { value: null, color: COLORS.good },
  { value: 1, color: COLORS.warning },
  { value: 100, color: COLORS.bad },
]

/** Seconds since something came that comes every minute. */
export const AGE_STEPS: Steps = [
  { value: null, color: COLORS.good },
  { value: 180, color: COLORS.warning },
  { value: 600, color: COLORS.bad },
]

/** No value is better than another. */
export const PLAIN: Steps = [{ value: null, color: COLORS.neutral }]

export function thresholdsOf(steps: Steps): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map((step) => ({ ...step })))
}
