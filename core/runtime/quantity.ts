/** Durations and sizes as people write them in configuration. */

const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZES: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

export const DURATION_SHAPE = 'a number with a unit: 500ms, 10s, 5m, 6h or 14d'
export const SIZE_SHAPE = 'a number with a unit: 512kB, 8MB, 64MiB or 1GB'

/** '14d' in milliseconds; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATIONS)
}

/** '8MB' in bytes; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, SIZES)
}

/** 1209600000 as '14d': with the largest unit that leaves no fraction. */
export function durationText(milliseconds: number): string {
  return quantityText(milliseconds, DURATIONS)
}

/** 8000000 as '8MB'. */
export function sizeText(bytes: number): string {
  return quantityText(bytes, SIZES)
}

function quantityText(value: number, units: Record<string, number>): string {
  const [unit = '', factor = 1] = Object.entries(units)
    .filter(([, one]) => value % one === 0)
    .reduce((largest, one) => (one[1] > largest[1] ? one : largest))
  return `${value / factor}${unit}`
}

function parseQuantity(text: string, units: Record<string, number>): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text.trim()) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor)
}
