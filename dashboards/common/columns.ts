import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard'
import { CAUSE_COLORS, COLORS, RESULT_COLORS, SEVERITY_COLORS } from './colors.ts'
import type { Steps } from './thresholds.ts'

/** How a table shows one column of its query. */
export type Column = {
  /** As the query calls it. */
  name: string
  title: string
  unit?: string
  decimals?: number
  width?: number
  /** Colours the text by these thresholds. */
  steps?: Steps
  /** Shows the figure as a bar, from 0 to this. */
  gaugeTo?: number
  /** Colours by value, for columns of causes and states. */
  values?: Readonly<Record<string, { text: string; color: string }>>
  link?: { title: string; url: string }
  wrap?: boolean
}

/** Words as the store has them, in their colours. */
export const CAUSE_VALUES = inColors(CAUSE_COLORS)
export const SEVERITY_VALUES = inColors(SEVERITY_COLORS)
export const RESULT_VALUES = inColors(RESULT_COLORS)

export const STATE_VALUES = {
  open: { text: 'open', color: COLORS.bad },
  closed: { text: 'closed', color: COLORS.neutral },
}

export const ALERT_STATE_VALUES = inColors({ firing: COLORS.bad, resolved: COLORS.neutral })

export const SILENCE_VALUES = inColors({
  holds: COLORS.warning,
  'to come': COLORS.neutral,
  over: COLORS.neutral,
})

export const MESSAGE_STATE_VALUES = {
  delivered: { text: 'delivered', color: COLORS.good },
  queued: { text: 'waits', color: COLORS.warning },
  given_up: { text: 'given up', color: COLORS.bad },
}

/** The overrides that make it so. */
export function columnProperties(column: Column): DynamicConfigValue[] {
  const { title, unit, decimals, width, steps, gaugeTo, values, link, wrap } = column
  return [
    { id: 'displayName', value: title },
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ...(width === undefined ? [] : [{ id: 'custom.width', value: width }]),
    ...(steps === undefined ? [] : coloredBy(steps)),
    ...(gaugeTo === undefined ? [] : gauge(gaugeTo)),
    ...(values === undefined ? [] : valued(values)),
    ...(link === undefined ? [] : [{ id: 'links', value: [link] }]),
    ...(wrap ? [{ id: 'custom.cellOptions', value: { type: 'auto', wrapText: true } }] : []),
  ]
}

function inColors(colors: Readonly<Record<string, string>>): NonNullable<Column['values']> {
  return Object.fromEntries(Object.entries(colors).map(([text, color]) => [text, { text, color }]))
}

function coloredBy(steps: Steps): DynamicConfigValue[] {
  return [
    { id: 'thresholds', value: { mode: 'absolute', steps } },
    { id: 'color', value: { mode: 'thresholds' } },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ]
}

function gauge(max: number): DynamicConfigValue[] {
  return [
    { id: 'min', value: 0 },
    { id: 'max', value: max },
    { id: 'color', value: { mode: 'fixed', fixedColor: COLORS.bad } },
    { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' } },
  ]
}

function valued(values: NonNullable<Column['values']>): DynamicConfigValue[] {
  return [
    { id: 'mappings', value: [{ type: 'value', options: values }] },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ]
}
