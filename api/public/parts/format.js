import { h } from './dom.js'

/** Figures and times as the page writes them. What is not known is a dash. */

const NONE = '–'

/** A share as a percentage: 73.3 %. */
export function percent(share, digits = 1) {
  return share === null ? NONE : `${(share * 100).toFixed(digits)}\u00a0%`
}

/** A difference of two shares in percentage points, with its sign: −24.2. */
export function points(difference) {
  if (difference === null) return NONE
  const text = Math.abs(difference * 100).toFixed(1)
  if (text === '0.0') return '±0.0'
  return `${difference < 0 ? '\u2212' : '+'}${text}`
}

export function number(value) {
  return value === null ? NONE : Math.round(value).toLocaleString()
}

export function milliseconds(value) {
  return value === null ? NONE : `${number(value)}\u00a0ms`
}

/** "1 client", "26 clients". */
export function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`
}

/** A moment in the visitor's zone, with the day when it is not today's; its title says it in UTC. */
export function time(moment, { seconds = false } = {}) {
  const at = new Date(moment)
  const today = at.toDateString() === new Date().toDateString()
  const clock = { hour: '2-digit', minute: '2-digit', ...(seconds && { second: '2-digit' }) }
  const shown = today
    ? at.toLocaleTimeString([], clock)
    : at.toLocaleString([], { day: 'numeric', month: 'short', ...clock })
  return h('time', { datetime: at.toISOString(), title: inUtc(at) }, shown)
}

function inUtc(at) {
  return `${at.toISOString().replace('T', ' ').slice(0, 19)} UTC`
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** A span in its largest whole unit: 14 min. */
export function span(ms) {
  const [unit, length] = UNITS.find(([, size]) => ms >= size) ?? UNITS.at(-1)
  const count = Math.max(0, Math.floor(ms / length))
  return `${count}\u00a0${unit}${count > 1 && length >= 3_600_000 ? 's' : ''}`
}
