import { h } from './dom.js'
import { number, percent } from './format.js'

const WIDTH = 300
const HEIGHT = 56
const SVG = 'http://www.w3.org/2000/svg'

/** The rate of all networks together, with a sparkline of its steps. */
export function worldFigures({ handshakes, failed, noise, success_rate, points }) {
  // The last step is still filling up.
  const rates = points.slice(0, -1).flatMap((point) => point.success_rate ?? [])
  const lowest = rates.length === 0 ? undefined : Math.min(...rates)
  return h(
    'div',
    { class: 'beside' },
    h(
      'div',
      {},
      h('p', { class: 'figure' }, h('strong', {}, percent(success_rate)), ' success rate'),
      h(
        'dl',
        { class: 'figures' },
        fact('handshakes', number(handshakes)),
        fact('failed', number(failed)),
        fact('noise', number(noise)),
        lowest !== undefined && fact('lowest minute', percent(lowest)),
      ),
    ),
    sparkline(rates),
  )
}

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value))
}

function sparkline(rates) {
  if (rates.length < 2) return h('p', { class: 'muted' }, 'Too little to draw a line.')
  const lowest = Math.min(...rates)
  const highest = Math.max(...rates)
  // A line that fills the height with noise would look like trouble: at least two points are shown.
  const floor = Math.min(lowest, highest - 0.02)
  const y = (rate) => HEIGHT - 3 - ((rate - floor) / (highest - floor)) * (HEIGHT - 6)
  const x = (i) => (i / (rates.length - 1)) * WIDTH
  const path = rates
    .map((rate, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(rate).toFixed(1)}`)
    .join('')
  return svg(
    'svg',
    {
      class: 'sparkline',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `Success rate in the last hour: between ${percent(lowest)} and ${percent(highest)}, last ${percent(rates.at(-1))}`,
    },
    svg('path', { d: path }),
  )
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}
