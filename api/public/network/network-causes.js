import { createChart, stepSeconds } from '../parts/chart.js'
import { h, swap, withCode } from '../parts/dom.js'
import { counted, number, percent, time } from '../parts/format.js'
import { causeColour, OTHER_COLOUR } from '../parts/labels.js'
import uPlot from '../uplot.js'

/** More would not be told apart; the rest is one. */
const MOST_DRAWN = 6

/** Causes stacked over time, and each with its share, what it means and what to do. */
export function causesOverTime() {
  const chart = createChart({ key: 'causes', caption: 'Failed handshakes by cause, step by step' })
  const list = h('div', {}, h('p', { class: 'muted' }, 'Loading…'))
  return {
    element: h('div', { class: 'halves causes' }, chart.element, list),
    close: () => chart.close(),
    fail() {
      chart.clear('Not known.')
      swap(list, h('p', { class: 'muted' }, 'Not known.'))
    },
    show(overTime, { items }, about) {
      if (overTime.items.length === 0) chart.clear('No handshake failed in this time.')
      else drawStack(chart, overTime, about)
      swap(list, items.map(causeEntry))
      list.hidden = items.length === 0
    },
  }
}

function drawStack(chart, { steps, items }, about) {
  const drawn = merged(items).map((item) => ({
    ...item,
    title: item.cause === '' ? 'Other causes' : about(item.cause).title,
  }))
  const sums = stacked(drawn.map(({ points }) => points))
  const [first] = drawn
  const total = items.reduce((sum, { handshakes }) => sum + handshakes, 0)
  chart.show({
    text: `${counted(total, 'handshake')} failed; most often: ${first.title}, ${percent(first.handshakes / total, 0)}.`,
    times: steps.map((at) => Date.parse(at) / 1_000),
    // The highest sum first: each bar is drawn over the one behind it.
    data: sums.toReversed(),
    series: drawn.map(barSeries).toReversed(),
    // A bar stands between its step's start and the next: the last one needs room too.
    options: {
      beyond: stepSeconds(steps),
      range: (_plot, _lowest, highest) => [0, Math.max(4, highest * 1.05)],
    },
    columns: [
      { title: 'Time', cell: ({ at }) => time(at) },
      ...drawn.map(({ title }, i) => ({ title, number: true, cell: ({ counts }) => number(counts[i]) })),
    ],
    rows: steps.map((at, step) => ({ at, counts: drawn.map(({ points }) => points[step]) })).toReversed(),
  })
}

/** The most frequent causes, and the others as one. */
function merged(items) {
  if (items.length <= MOST_DRAWN) return items
  const others = items.slice(MOST_DRAWN - 1)
  const points = others[0].points.map((_, step) => others.reduce((sum, item) => sum + item.points[step], 0))
  const handshakes = others.reduce((sum, item) => sum + item.handshakes, 0)
  return [...items.slice(0, MOST_DRAWN - 1), { cause: '', handshakes, points }]
}

/** Each list with all before it added. */
function stacked(lists) {
  const sums = []
  for (const list of lists) {
    const below = sums.at(-1)
    sums.push(below === undefined ? list : list.map((count, step) => count + below[step]))
  }
  return sums
}

function barSeries({ cause, title, points }) {
  const fill = cause === '' ? OTHER_COLOUR : causeColour(cause)
  return {
    label: title,
    fill,
    stroke: fill,
    width: 0,
    paths: uPlot.paths.bars({ size: [0.8, 40], align: 1 }),
    points: { show: false },
    // What is drawn is the sum; what is said is the cause's own count.
    value: (_plot, _sum, _series, step) => (step === null ? '–' : number(points[step])),
  }
}

function causeEntry({ cause, title, meaning, advice, share, handshakes, clients, example }, i) {
  const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' })
  swatch.style.background = causeColour(cause)
  return h(
    'details',
    { class: 'card cause', 'data-key': `cause-${cause}`, open: i === 0 },
    h(
      'summary',
      { 'data-key': `cause-${cause}-summary` },
      swatch,
      h('strong', {}, `${percent(share, 0)} ${title}`),
      h('span', { class: 'muted' }, ` ${counted(handshakes, 'handshake')} of ${counted(clients, 'client')}`),
    ),
    h('p', {}, withCode(meaning)),
    h('p', {}, h('strong', {}, 'What to do: '), withCode(advice)),
    example !== null &&
      h(
        'p',
        { class: 'muted' },
        'Latest, ',
        time(example.decided_at, { seconds: true }),
        `: ${example.evidence}`,
      ),
  )
}
