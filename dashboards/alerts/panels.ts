import { RESULT_COLORS, SEVERITY_COLORS } from '../common/colors.ts'
import {
  ALERT_STATE_VALUES,
  type Column,
  MESSAGE_STATE_VALUES,
  RESULT_VALUES,
  SEVERITY_VALUES,
  SILENCE_VALUES,
} from '../common/columns.ts'
import { TO_WHOLE_NETWORK } from '../common/links.ts'
import { stackPanel, statPanel, tablePanel } from '../common/panels.ts'
import { NONE_STEPS, WAITING_STEPS } from '../common/thresholds.ts'
import * as sql from './queries.ts'

const SEVERITY: Column = { name: 'severity', title: 'Severity', width: 90, values: SEVERITY_VALUES }
const RULE: Column = { name: 'rule', title: 'Rule', width: 200 }
const NETWORK: Column = {
  name: 'asn',
  title: 'AS number',
  unit: 'none',
  decimals: 0,
  width: 100,
  link: TO_WHOLE_NETWORK,
}
const LABEL: Column = { name: 'label', title: 'Label', width: 90 }
const EXPLANATION: Column = { name: 'explanation', title: 'In a sentence', wrap: true }

export const firingCount = () =>
  statPanel({
    id: 1,
    title: 'Alerts that fire',
    description:
      'Alerts that fire now, whatever the time range. The table below says who they are about. None is good.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.FIRING_COUNT],
    steps: NONE_STEPS,
  })

export const firedCount = () =>
  statPanel({
    id: 2,
    title: 'Fired in the range',
    description:
      'Alerts that began to fire in the time range. Many short ones: a rule that is too eager; the table Rules says which.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.FIRED_COUNT],
  })

export const waiting = () =>
  statPanel({
    id: 3,
    title: 'Messages that wait',
    description:
      'Messages whose receiver has not taken them yet, whatever the time range. They are tried again for a day. One that stays is a receiver that is ' +
      'down: see Receivers.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.WAITING],
    steps: WAITING_STEPS,
  })

export const givenUp = () =>
  statPanel({
    id: 4,
    title: 'Messages given up',
    description:
      'Messages of the time range that no attempt of a whole day could deliver: nobody was told. None is right.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.GIVEN_UP],
    steps: NONE_STEPS,
  })

export const firing = () =>
  tablePanel({
    id: 5,
    title: 'Firing now',
    description:
      'The worst severity first, then the newest. Seen is what the rule saw when the alert changed last, allowed is what the rule (for a divergence: the ' +
      'detector) allows. Click the AS number for the network; AS 0 is everybody, a site or several networks. Empty is good.',
    size: [24, 9],
    sql: [sql.FIRING],
    columns: [
      SEVERITY,
      RULE,
      NETWORK,
      LABEL,
      { name: 'scope', title: 'Scope', width: 90 },
      { name: 'part', title: 'Prefix or site', width: 130 },
      { name: 'started_at', title: 'Bad since', width: 170 },
      { name: 'lasts', title: 'For', unit: 's', decimals: 0, width: 90 },
      { name: 'seen', title: 'Seen', width: 80 },
      { name: 'allowed', title: 'Allowed', width: 80 },
      EXPLANATION,
    ],
  })

export const firedOverTime = () =>
  stackPanel({
    id: 6,
    title: 'Alerts over time',
    description:
      'How many began to fire in each step of the axis, by severity. Shaded stretches are incidents of the detector; alerts without one come from ' +
      'thresholds. Empty is good.',
    unit: 'none',
    size: [12, 8],
    sql: [sql.FIRED_OVER_TIME],
    colors: SEVERITY_COLORS,
  })

export const attemptsOverTime = () =>
  stackPanel({
    id: 7,
    title: 'Attempts to deliver',
    description:
      'Attempts to hand messages to their receivers in each step of the axis. Refused: the receiver answered with an error; unreachable: it did not ' +
      'answer. Either is tried again.',
    unit: 'none',
    size: [12, 8],
    sql: [sql.ATTEMPTS_OVER_TIME],
    colors: RESULT_COLORS,
  })

export const rules = () =>
  tablePanel({
    id: 8,
    title: 'Rules',
    description:
      'What each rule did in the time range, the busiest first. Often and for minutes only: let it wait longer (for), or ask for more handshakes.',
    size: [12, 8],
    sql: [sql.RULES],
    columns: [
      { name: 'rule', title: 'Rule' },
      { name: 'fired', title: 'Alerts', unit: 'none', width: 80 },
      { name: 'firing', title: 'Firing', unit: 'none', width: 80, steps: NONE_STEPS },
      { name: 'networks', title: 'Networks', unit: 'none', width: 90 },
      { name: 'median_lasted', title: 'Lasts (median)', unit: 's', decimals: 0, width: 120 },
      { name: 'last_fired', title: 'Last fired', width: 170 },
    ],
  })

export const receivers = () =>
  tablePanel({
    id: 9,
    title: 'Receivers',
    description:
      'How each receiver did in the time range, the worst first. Failed attempts with a last result of delivered are over; one whose last result is ' +
      'not delivered is down now. Slow is the 95th percentile.',
    size: [12, 8],
    sql: [sql.RECEIVERS],
    columns: [
      { name: 'receiver', title: 'Receiver' },
      { name: 'delivered', title: 'Delivered', unit: 'none', width: 90 },
      { name: 'failed_attempts', title: 'Failed attempts', unit: 'none', width: 120, steps: NONE_STEPS },
      { name: 'slow_ms', title: 'Slow', unit: 'ms', decimals: 0, width: 90 },
      { name: 'last_attempt', title: 'Last attempt', width: 190 },
      { name: 'last_result', title: 'Result', width: 100, values: RESULT_VALUES },
      { name: 'last_answer', title: 'Answer', wrap: true },
    ],
  })

export const history = () =>
  tablePanel({
    id: 10,
    title: 'History',
    description:
      'The newest 200 alerts that fired at some time in the range. How it ended: recovered, too little data to tell, withdrawn by the detector, or its ' +
      'rule was removed.',
    size: [24, 10],
    sql: [sql.HISTORY],
    columns: [
      { name: 'state', title: 'State', width: 90, values: ALERT_STATE_VALUES },
      SEVERITY,
      RULE,
      NETWORK,
      LABEL,
      { name: 'fired_at', title: 'Fired', width: 170 },
      { name: 'resolved', title: 'Ended', width: 170 },
      { name: 'lasted', title: 'Lasted', unit: 's', decimals: 0, width: 100 },
      { name: 'resolution', title: 'How it ended', width: 120 },
      EXPLANATION,
    ],
  })

export const silences = () =>
  tablePanel({
    id: 12,
    title: 'Silences',
    description:
      'What people ordered not to be told, until when and why; those that hold first. An alert that nobody heard of is here, or in Messages. A message ' +
      'about the end of what was told before is sent all the same.',
    size: [24, 7],
    sql: [sql.SILENCES],
    columns: [
      { name: 'state', title: 'State', width: 80, values: SILENCE_VALUES },
      { name: 'what', title: 'Silenced', wrap: true },
      { name: 'hours', title: 'When', width: 170 },
      { name: 'author', title: 'By', width: 110 },
      { name: 'reason', title: 'Why', wrap: true },
      { name: 'starts_at', title: 'From', width: 180 },
      { name: 'until', title: 'Until', width: 180 },
      { name: 'ended_by', title: 'Ended by', width: 110 },
    ],
  })

export const messages = () =>
  tablePanel({
    id: 11,
    title: 'Messages',
    description:
      'The newest 100 messages of the time range: who was told what, and what the receiver answered last. More than one attempt: it was late.',
    size: [24, 10],
    sql: [sql.MESSAGES],
    columns: [
      { name: 'created_at', title: 'Made', width: 190 },
      { name: 'receiver', title: 'Receiver', width: 120 },
      RULE,
      { name: 'status', title: 'Tells of', width: 90, values: ALERT_STATE_VALUES },
      { name: 'state', title: 'State', width: 100, values: MESSAGE_STATE_VALUES },
      { name: 'attempts', title: 'Attempts', unit: 'none', width: 90 },
      { name: 'answer', title: 'Last answer', width: 200 },
      { name: 'title', title: 'Title', wrap: true },
    ],
  })
