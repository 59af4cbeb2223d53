import type { GridResult } from './grid.ts'

const SIZE = { width: 640, height: 480, left: 64, bottom: 56, top: 24, right: 24 }
const RANGE = { from: 1, to: 10_000 }
const COLOURS: Record<number, string> = { 1: '#4269d0', 10: '#efb118', 100: '#ff725c', 1000: '#6cc5b0' }

/** Delay against max(3 minutes, Lorden's bound), one point a configuration, both axes logarithmic; an SVG document. */
export function delayPlot(grid: readonly GridResult[]): string {
  const { width, height, left, bottom, top, right } = SIZE
  const points = grid
    .filter(({ delay }) => Number.isFinite(delay))
    .map(({ volume, rho, drop, bound, delay }) => {
      const title = `${volume} a minute, ρ ${rho}, drops to ${100 * drop} %: ${delay} min, bound ${bound.toFixed(1)}`
      const place = `cx="${x(Math.max(3, bound))}" cy="${y(delay)}"`
      return `<circle ${place} r="4" fill="${COLOURS[volume] ?? 'gray'}" fill-opacity="0.8"><title>${title}</title></circle>`
    })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Median delay of detection against Lorden's bound, one point a configuration</title>
<rect width="${width}" height="${height}" fill="white"/>
${[1, 10, 100, 1000, 10_000].map(gridLines).join('\n')}
${guide(1, 'bound')}
${guide(1.8, '1.8 × bound')}
${points.join('\n')}
${legend(left + 16, top + 16)}
<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle">max(3 min, Lorden's bound), minutes</text>
<text transform="translate(16 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">median delay, minutes</text>
</svg>
`
}

function x(minutes: number): string {
  const { width, left, right } = SIZE
  return (left + share(minutes) * (width - left - right)).toFixed(1)
}

function y(minutes: number): string {
  const { height, bottom, top } = SIZE
  return (height - bottom - share(minutes) * (height - top - bottom)).toFixed(1)
}

function share(minutes: number): number {
  return Math.log(minutes / RANGE.from) / Math.log(RANGE.to / RANGE.from)
}

function gridLines(minutes: number): string {
  const { from, to } = RANGE
  return `<path d="M${x(minutes)} ${y(from)}V${y(to)}M${x(from)} ${y(minutes)}H${x(to)}" stroke="#ddd"/>
<text x="${x(minutes)}" y="${SIZE.height - SIZE.bottom + 18}" text-anchor="middle">${minutes}</text>
<text x="${SIZE.left - 8}" y="${y(minutes)}" text-anchor="end" dominant-baseline="middle">${minutes}</text>`
}

function guide(factor: number, name: string): string {
  const [from, to] = [3, RANGE.to / factor]
  return `<path d="M${x(from)} ${y(from * factor)}L${x(to)} ${y(to * factor)}" stroke="#888" stroke-dasharray="${factor === 1 ? 'none' : '4 4'}"/>
<text x="${x(to * 0.5)}" y="${y(to * factor * 0.75)}" text-anchor="end" fill="#666">${name}</text>`
}

function legend(left: number, top: number): string {
  return Object.entries(COLOURS)
    .map(
      ([volume, colour], row) =>
        `<circle cx="${left}" cy="${top + row * 18}" r="4" fill="${colour}"/><text x="${left + 12}" y="${top + row * 18}" dominant-baseline="middle">${volume} clients a minute</text>`,
    )
    .join('\n')
}
