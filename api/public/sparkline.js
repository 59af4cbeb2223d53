import { percent } from './format.js'

const SVG = 'http://www.w3.org/2000/svg'
const MARGIN = 3

/**
 * Rates as a small line without axes; null leaves a gap. Undefined when there are fewer than two to draw.
 * @param {(number | null)[]} rates
 * @param {{ name: string, width: number, height: number, least: number }} options `least`: the height shows at least so much
 */
export function sparkline(rates, { name, width, height, least }) {
  const known = rates.filter((rate) => rate !== null)
  if (known.length < 2) return undefined
  const lowest = Math.min(...known)
  const highest = Math.max(...known)
  const floor = Math.min(lowest, highest - least)
  const y = (rate) => height - MARGIN - ((rate - floor) / (highest - floor)) * (height - 2 * MARGIN)
  const x = (i) => (i / (rates.length - 1)) * width
  const path = rates.map((rate, i) => {
    if (rate === null) return ''
    const at = `${x(i).toFixed(1)} ${y(rate).toFixed(1)}`
    // A line of no length is a dot: what stands between two gaps is seen too.
    return i > 0 && rates[i - 1] !== null ? `L${at}` : `M${at}h0`
  })
  return svg(
    'svg',
    {
      class: 'sparkline',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `${name}: between ${percent(lowest)} and ${percent(highest)}, last ${percent(known.at(-1))}`,
    },
    svg('path', { d: path.join('') }),
  )
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}
