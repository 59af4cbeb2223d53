import { CAUSE_COLORS, COLORS, OUTCOME_COLORS } from '../common/colors.ts'
import { linesPanel, ratePanel, stackPanel, statPanel } from '../common/panels.ts'
import { NONE_STEPS, RATE_STEPS } from '../common/thresholds.ts'
import * as sql from './queries.ts'

export const name = () =>
  statPanel({
    id: 1,
    title: 'Network',
    description: 'The network that this page is about: AS number, and its name in the address database.',
    unit: 'string',
    size: [6, 4],
    sql: [sql.NAME],
    text: 'name',
  })

export const rate = () =>
  statPanel({
    id: 2,
    title: 'Completes',
    description:
      'Completed of completed and failed handshakes of this network in the time range. Compare it with the two figures to the right: a network ' +
      'diverges when it is below both.',
    unit: 'percentunit',
    decimals: 2,
    size: [4, 4],
    sql: [sql.RATE],
    steps: RATE_STEPS,
  })

export const othersRate = () =>
  statPanel({
    id: 3,
    title: 'All others complete',
    description:
      'The same of all other networks together. When it is low as well, the fault is not this network alone.',
    unit: 'percentunit',
    decimals: 2,
    size: [4, 4],
    sql: [sql.OTHERS_RATE],
    steps: RATE_STEPS,
  })

export const dayBeforeRate = () =>
  statPanel({
    id: 4,
    title: 'The day before',
    description: 'The same of this network, 24 hours earlier. When it was as low then, nothing is new.',
    unit: 'percentunit',
    decimals: 2,
    size: [4, 4],
    sql: [sql.DAY_BEFORE_RATE],
    steps: RATE_STEPS,
  })

export const failingClients = () =>
  statPanel({
    id: 5,
    title: 'Failing clients',
    description:
      'Distinct clients that failed at least once, estimated to within about 1 %. One or two are a broken machine; many are the network.',
    unit: 'none',
    size: [3, 4],
    sql: [sql.CLIENTS],
    steps: NONE_STEPS,
  })

export const mainCause = () =>
  statPanel({
    id: 6,
    title: 'Main cause',
    description: 'The cause that most failures have; docs/causes.md says what it means and what to do.',
    unit: 'string',
    size: [3, 4],
    sql: [sql.MAIN_CAUSE],
    text: 'cause',
  })

export const rateOverTime = () =>
  ratePanel({
    id: 7,
    title: 'Handshakes that complete, over time',
    description:
      'This network beside all others, and within the band of what is usual for it: the same hour on the seven days before, without the best and the ' +
      'worst day. The blue line alone below its band is this network; shaded stretches are its incidents, with the sentence of the detector.',
    size: [16, 9],
    sql: [sql.RATE_OVER_TIME, sql.OTHERS_OVER_TIME, sql.USUAL_OVER_TIME],
    colors: { 'this network': COLORS.good, 'all others': COLORS.others },
    band: { low: 'usually at least', high: 'usually at most' },
  })

export const outcomes = () =>
  stackPanel({
    id: 8,
    title: 'Handshakes by outcome',
    description:
      'How many were decided in each step of the axis. A failure rate of few handshakes says little; clients that fail come again, so failures add ' +
      'to the traffic.',
    unit: 'short',
    size: [8, 9],
    sql: [sql.OUTCOMES],
    colors: OUTCOME_COLORS,
  })

export const causes = () =>
  stackPanel({
    id: 9,
    title: 'Why handshakes fail',
    description:
      'Failed handshakes by cause, one on top of the other. A colour that was not there before the drop is what broke; one that is always there is ' +
      'ordinary.',
    unit: 'short',
    size: [16, 9],
    sql: [sql.CAUSES_OVER_TIME],
    colors: CAUSE_COLORS,
  })

export const durations = () =>
  linesPanel({
    id: 14,
    title: 'How long handshakes take',
    description:
      'Of completed handshakes, from accept to the end. The median is mostly distance; a 95th percentile that rises alone means loss or a busy ' +
      'path.',
    unit: 'ms',
    size: [8, 8],
    sql: [sql.DURATIONS],
    colors: { median: COLORS.good, '95th percentile': COLORS.warning },
  }).min(0)
