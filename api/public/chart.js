import { h, swap, table } from './dom.js'
import { percent, time } from './format.js'
import uPlot from './uplot.js'

const HEIGHT = 240
const DAY_S = 86_400
const COUNTS_AXIS = {
  scale: 'counts',
  side: 1,
  size: 44,
  grid: { show: false },
  values: (_plot, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick.toLocaleString() : '')),
}

/**
 * A chart over time as a figure: a sentence that says what there is to see, the drawing, which is hidden from screen
 * readers, and the same figures as a table.
 * @param {{ key: string, caption: string }} about `caption` names the table
 */
export function createChart({ key, caption }) {
  const sentence = h('figcaption', {}, 'Loading…')
  const box = h('div', { class: 'chart', 'aria-hidden': 'true' })
  const figures = h('div')
  const element = h(
    'figure',
    { class: 'card' },
    sentence,
    box,
    h('details', { 'data-key': `${key}-table` }, h('summary', {}, 'As a table'), figures),
  )
  let plot
  let drawn
  const redraw = () => drawn !== undefined && draw(drawn)
  const dark = matchMedia('(prefers-color-scheme: dark)')
  dark.addEventListener('change', redraw)
  const resized = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT }))
  resized.observe(box)

  function draw({ times, series, data, options }) {
    drawn = { times, series, data, options }
    plot?.destroy()
    plot = new uPlot(optionsOf(box, series, options), [times, ...data], box)
  }

  return {
    element,
    /** `rows` and `columns` are the same figures for the table. */
    show({ text, columns, rows, ...drawing }) {
      if (sentence.textContent !== text) sentence.textContent = text
      box.hidden = false
      draw(drawing)
      swap(figures, table({ caption, key: `${key}-rows`, columns, rows }))
    },
    /** Nothing to draw, and why. */
    clear(text) {
      sentence.textContent = text
      box.hidden = true
      plot?.destroy()
      plot = undefined
      drawn = undefined
      figures.replaceChildren(h('p', { class: 'muted' }, text))
    },
    close() {
      resized.disconnect()
      dark.removeEventListener('change', redraw)
      plot?.destroy()
    },
  }
}

/** A colour of the page's style sheet. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

/** Length of a step, from the starts of the steps. */
export function stepSeconds([first, second]) {
  return second === undefined ? 60 : (Date.parse(second) - Date.parse(first)) / 1_000
}

/**
 * `range` of the axis at the left, whose figures are shares with `share`; `counts`, where there is a second axis at the
 * right, the range of its whole numbers: series with the scale `counts` are drawn by it. `beyond`: seconds after the last.
 */
function optionsOf(box, series, { share = false, range, counts, beyond = 0, hooks = {}, bands = [] }) {
  const axis = {
    stroke: colour('muted'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1 },
    font: '12px system-ui, sans-serif',
  }
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, counts === undefined ? 28 : 0, 0, 0],
    // The range is chosen above the charts; dragging would choose another for one of them only.
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true, range: (_plot, first, last) => [first, last + beyond] },
      y: { range },
      counts: { range: counts ?? range },
    },
    axes: [
      { ...axis, values: timeLabels, space: 70 },
      {
        ...axis,
        size: 52,
        values: (_plot, ticks) =>
          ticks.map((tick) => (share ? percent(tick, tickDigits(ticks)) : tick.toLocaleString())),
      },
      ...(counts === undefined ? [] : [{ ...axis, ...COUNTS_AXIS }]),
    ],
    series: [
      { label: 'Time', value: (_plot, at) => (at === null ? '–' : time(at * 1_000).textContent) },
      ...series,
    ],
    bands,
    hooks,
  }
}

function tickDigits(ticks) {
  return ticks.length > 1 && ticks[1] - ticks[0] < 0.0099 ? 1 : 0
}

/** In the visitor's zone and way of writing. */
function timeLabels(_plot, ticks) {
  const daily = ticks.length > 1 && ticks[1] - ticks[0] >= DAY_S
  const day = { day: 'numeric', month: 'short' }
  const clock = { hour: '2-digit', minute: '2-digit' }
  return ticks.map((tick) => {
    const at = new Date(tick * 1_000)
    const midnight = at.getHours() === 0 && at.getMinutes() === 0
    return daily || midnight ? at.toLocaleDateString([], day) : at.toLocaleTimeString([], clock)
  })
}
