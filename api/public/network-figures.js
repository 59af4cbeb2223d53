import { colour, createChart, stepSeconds } from './chart.js'
import { h } from './dom.js'
import { points as inPoints, milliseconds, number, percent, time } from './format.js'
import { shade } from './shading.js'

const MARKED = 0.01
/** A rate axis shows at least so much, or noise would look like trouble. */
const LEAST_SHOWN = 0.05

/** The figures of `GET /v1/networks/AS…`, as they are there. */
export function keyFigures(network) {
  const { divergence, handshake_ms } = network
  const worse = divergence !== null && divergence > MARKED
  return h(
    'dl',
    { class: 'tiles' },
    tile(
      'Success rate',
      percent(network.success_rate),
      divergence === null ? '' : `${inPoints(-divergence)} points against expected`,
      worse,
    ),
    tile(
      'Own past, 7 days',
      percent(network.baseline_success_rate),
      `${number(network.baseline_handshakes)} handshakes`,
    ),
    tile('Rest of the world', percent(network.world_success_rate), 'in the same time'),
    tile('Handshakes', number(network.handshakes), `${number(network.noise)} of them noise`),
    tile('Failed', number(network.failed), excess(network)),
    tile('Clients that failed', number(network.failed_clients), `of about ${number(network.clients)}`),
    tile(
      'Handshake time',
      milliseconds(handshake_ms.p50),
      `median; 95th percentile ${milliseconds(handshake_ms.p95)}`,
    ),
  )
}

function excess({ excess_failures }) {
  return excess_failures === null ? '' : `${number(Math.max(0, excess_failures))} more than expected`
}

function tile(name, value, note = '', worse = false) {
  return h(
    'div',
    { class: 'card tile' },
    h('dt', {}, name),
    h('dd', {}, h('strong', { class: worse && 'worse' }, value), h('span', { class: 'muted' }, note)),
  )
}

/** The network's rate against the rest of the world and its own past, with the onset of what diverges. */
export function rateOverTime() {
  const chart = createChart({ key: 'rate', caption: 'Success rate step by step' })
  return {
    ...chart,
    fail: () => chart.clear('Not known.'),
    show({ points, baseline_band: band }, network) {
      const known = points.filter(({ success_rate }) => success_rate !== null)
      if (known.length === 0) return chart.clear('No handshake was completed or failed in this time.')
      const baseline = network.baseline_success_rate
      const [onset] = network.incidents.map((incident) => Date.parse(incident.onset) / 1_000)
      chart.show({
        text: sentence(known, network, band),
        times: points.map(({ at }) => Date.parse(at) / 1_000),
        data: [
          points.map(() => band?.high ?? null),
          points.map(() => band?.low ?? null),
          points.map((point) => point.world_success_rate),
          points.map(() => baseline),
          points.map((point) => point.success_rate),
        ],
        series: rateSeries(network),
        options: {
          share: true,
          // What diverges since the middle of the last step is shaded too.
          beyond: stepSeconds(points.map(({ at }) => at)),
          range: (_plot, lowest) => [Math.max(0, Math.min(lowest - 0.01, 1 - LEAST_SHOWN)), 1],
          bands: [{ series: [1, 2], fill: `${colour('past')}33` }],
          hooks: { drawAxes: [(plot) => onset !== undefined && shade(plot, onset)] },
        },
        columns: [
          { title: 'Time', cell: ({ at }) => time(at) },
          { title: 'Success rate', number: true, cell: (point) => percent(point.success_rate) },
          { title: 'Rest of the world', number: true, cell: (point) => percent(point.world_success_rate) },
          { title: 'Completed', number: true, cell: ({ completed }) => number(completed) },
          { title: 'Failed', number: true, cell: ({ failed }) => number(failed) },
        ],
        rows: points.toReversed(),
      })
    },
  }
}

function rateSeries({ asn }) {
  const value = (_plot, rate) => percent(rate ?? null)
  const edge = { width: 0, points: { show: false }, class: 'unlisted' }
  return [
    { ...edge, label: 'Own past, 95th percentile' },
    { ...edge, label: 'Own past, 5th percentile' },
    {
      label: 'Rest of the world',
      stroke: () => colour('others'),
      width: 1.5,
      dash: [5, 4],
      value,
      points: { show: false },
    },
    {
      label: 'Own past',
      stroke: () => colour('past'),
      width: 1.5,
      dash: [1, 3],
      value,
      points: { show: false },
    },
    {
      label: `AS${asn}`,
      stroke: () => colour('good'),
      width: 2.5,
      value,
      spanGaps: true,
      points: { size: 4 },
    },
  ]
}

function sentence(known, network, band) {
  const { success_rate, world_success_rate, baseline_success_rate, incidents } = network
  const worst = known.reduce((a, b) => (b.success_rate < a.success_rate ? b : a))
  const [incident] = incidents
  const shaded =
    incident === undefined ? '' : ` Shaded: since it diverges, from ${time(incident.onset).textContent} on.`
  const past =
    baseline_success_rate === null ? '' : `, ${percent(baseline_success_rate)} in its own past${usual(band)}`
  return `${percent(success_rate)} of handshakes completed${past}, ${percent(world_success_rate)} in the rest of the world; lowest ${percent(worst.success_rate)} at ${time(worst.at).textContent}.${shaded}`
}

function usual(band) {
  return band === null ? '' : ` (the band: ${percent(band.low)} to ${percent(band.high)} in 9 of 10 steps)`
}
