import { h } from './dom.js'
import { number, percent } from './format.js'
import { sparkline } from './sparkline.js'

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
    // Noise that fills the height would look like trouble: at least two points are shown.
    sparkline(rates, { name: 'Success rate in the last hour', width: 300, height: 56, least: 0.02 }) ??
      h('p', { class: 'muted' }, 'Too little to draw a line.'),
  )
}

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value))
}
