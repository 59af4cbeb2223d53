import { colour, createChart, stepSeconds } from './chart.js'
import { number, percent, time } from './format.js'
import { shade } from './shading.js'
import uPlot from './uplot.js'

/** A rate axis shows at least so much, or noise would look like trouble. */
const LEAST_SHOWN = 0.05
/** Bars stay in the lower part, behind the lines. */
const ROOM_ABOVE_BARS = 2.5

/** What the stream of an incident did: how much failed, what was to be expected, and how much that rests on. */
export function incidentChart() {
  const chart = createChart({ key: 'minutes', caption: 'The incident step by step' })
  return {
    element: chart.element,
    close: () => chart.close(),
    fail: () => chart.clear('Not known.'),
    show(incident) {
      const { kind } = incident
      const points = whole(incident).map((point) => ({ ...point, decided: decidedOf(point) }))
      if (points.length === 0) return chart.clear('Its minutes are no longer stored.')
      const isVolume = kind === 'volume'
      const lines = isVolume ? [] : rateLines()
      chart.show({
        text: isVolume ? volumeSentence(points, incident) : rateSentence(points, incident),
        times: points.map(({ at }) => Date.parse(at) / 1_000),
        data: [
          points.map(({ decided }) => decided),
          ...lines.map(({ field }) => points.map((point) => point[field])),
        ],
        series: [bars(points, isVolume), ...lines.map(({ series: line }) => line)],
        options: {
          share: !isVolume,
          beyond: stepSeconds(points.map(({ at }) => at)),
          range: isVolume
            ? countRange(1.1)
            : (_plot, _lowest, highest) => [0, Math.max(LEAST_SHOWN, highest * 1.05)],
          ...(!isVolume && { counts: countRange(ROOM_ABOVE_BARS) }),
          hooks: { drawAxes: [(plot) => shadeIncident(plot, incident)] },
        },
        columns: columns(points[0].clients !== null, isVolume),
        rows: points.toReversed(),
      })
    },
  }
}

/** Of an open incident the last step is still filling up. */
function whole({ series: { points }, state }) {
  return state === 'open' ? points.slice(0, -1) : points
}

/** What a point's rate rests on, as the detector counts. */
function decidedOf({ clients, completed, failed }) {
  return clients ?? completed + failed
}

function rateLines() {
  const value = (_plot, rate) => percent(rate ?? null)
  const points = { show: false }
  return [
    {
      field: 'expected_rate',
      series: { label: 'Expected', stroke: () => colour('past'), width: 1.5, dash: [5, 4], value, points },
    },
    {
      field: 'failure_rate',
      series: { label: 'Failure rate', stroke: () => colour('bad'), width: 2.5, value, points: { size: 4 } },
    },
  ]
}

function bars([{ clients }], isVolume) {
  const fill = () => (isVolume ? colour('good') : `${colour('others')}55`)
  return {
    label: clients === null ? 'Handshakes' : 'Clients',
    // Beside a rate they have an axis of their own.
    scale: isVolume ? 'y' : 'counts',
    fill,
    stroke: fill,
    width: 0,
    paths: uPlot.paths.bars({ size: [0.8, 40], align: 1 }),
    points: { show: false },
    value: (_plot, count) => (count === null ? '–' : number(count)),
  }
}

function countRange(room) {
  return (_plot, _lowest, highest) => [0, Math.max(4, highest * room)]
}

function shadeIncident(plot, { onset, closed_at }) {
  shade(plot, Date.parse(onset) / 1_000, closed_at === null ? undefined : Date.parse(closed_at) / 1_000)
}

function rateSentence(points, { expected_rate, closed_at }) {
  const known = points.filter(({ failure_rate }) => failure_rate !== null)
  if (known.length === 0) return 'No handshake in this time.'
  const worst = known.reduce((a, b) => (b.failure_rate > a.failure_rate ? b : a))
  const counts = known.map(({ decided }) => decided)
  const what = points[0].clients === null ? 'handshakes' : 'clients'
  return `At the worst ${percent(worst.failure_rate)} failed, at ${clock(worst.at)}; at most ${percent(expected_rate)} was to be expected. Behind it: ${what} in each step, ${number(Math.min(...counts))} to ${number(Math.max(...counts))}. ${shaded(closed_at)}`
}

function volumeSentence(points, { onset, closed_at }) {
  const during = points.filter(({ at }) => at >= onset)
  const fewest = (during.length === 0 ? points : during).reduce((a, b) => (b.decided < a.decided ? b : a))
  const what = points[0].clients === null ? 'handshakes' : 'clients'
  return `How many ${what} came in each step; fewest, ${number(fewest.decided)}, at ${clock(fewest.at)}. ${shaded(closed_at)}`
}

function shaded(closed_at) {
  return `Shaded: ${closed_at === null ? 'since it began' : 'from its beginning until it was over'}.`
}

function clock(moment) {
  return time(moment).textContent
}

function columns(hasClients, isVolume) {
  return [
    { title: 'Time', cell: ({ at }) => time(at) },
    !isVolume && { title: 'Failure rate', number: true, cell: ({ failure_rate }) => percent(failure_rate) },
    !isVolume && { title: 'Expected', number: true, cell: ({ expected_rate }) => percent(expected_rate) },
    hasClients && { title: 'Clients', number: true, cell: ({ clients }) => number(clients) },
    hasClients && {
      title: 'Clients that failed',
      number: true,
      cell: (point) => number(point.failed_clients),
    },
    { title: 'Completed', number: true, cell: ({ completed }) => number(completed) },
    { title: 'Failed', number: true, cell: ({ failed }) => number(failed) },
  ].filter(Boolean)
}
