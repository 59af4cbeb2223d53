import { COLORS, OUTCOME_COLORS } from '../common/colors.ts'
import { CAUSE_VALUES, STATE_VALUES } from '../common/columns.ts'
import { NEWEST_MINUTE } from '../common/freshness.ts'
import { TO_CAUSE, TO_NETWORK } from '../common/links.ts'
import { ratePanel, stackPanel, statPanel, tablePanel } from '../common/panels.ts'
import { AGE_STEPS, CHANGE_STEPS, NONE_STEPS, RATE_STEPS } from '../common/thresholds.ts'
import * as sql from './queries.ts'

export const worldRate = () =>
  statPanel({
    id: 1,
    title: 'Handshakes that complete',
    description:
      'Completed of completed and failed handshakes of all networks, in the time range. Noise (scanners, health checks) is in no ' +
      'rate. Blue is ordinary; below 98 % look at who fails.',
    unit: 'percentunit',
    decimals: 2,
    size: [6, 4],
    sql: [sql.WORLD_RATE],
    steps: RATE_STEPS,
  })

export const openIncidents = () =>
  statPanel({
    id: 2,
    title: 'Open incidents',
    description:
      'What the detector holds open now, whatever the time range. The table below says what they are.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.OPEN_INCIDENTS],
    steps: NONE_STEPS,
  })

export const handshakes = () =>
  statPanel({
    id: 3,
    title: 'Handshakes',
    description:
      'All decided handshakes in the time range, noise included. Far fewer than usual is a finding too.',
    unit: 'short',
    size: [6, 4],
    sql: [sql.HANDSHAKES],
  })

export const newest = () =>
  statPanel({
    id: 4,
    title: 'Newest minute',
    description:
      'How long ago the newest minute began that has a handshake. Beyond three minutes nothing on this page is quite current: see ' +
      'the dashboard Pipeline.',
    unit: 's',
    decimals: 0,
    size: [6, 4],
    sql: [NEWEST_MINUTE],
    steps: AGE_STEPS,
  })

export const incidents = () =>
  tablePanel({
    id: 5,
    title: 'Networks that diverge',
    description:
      'Incidents of the detector that were open in the time range, open ones first: they fail more than their own past and the rest ' +
      'of the world explain. Click the AS number for the network, the cause for who else has it. AS 0 stands for ' +
      'incidents of several networks or of our own side. Empty is good.',
    size: [24, 8],
    sql: [sql.INCIDENTS],
    columns: [
      { name: 'state', title: 'State', width: 80, values: STATE_VALUES },
      { name: 'asn', title: 'AS number', unit: 'none', decimals: 0, width: 110, link: TO_NETWORK },
      { name: 'kind', title: 'Kind', width: 110 },
      { name: 'scope', title: 'Scope', width: 100 },
      { name: 'onset', title: 'Since', width: 170 },
      { name: 'until', title: 'Until', width: 170 },
      { name: 'failure_rate', title: 'Fails', unit: 'percentunit', decimals: 1, width: 80 },
      { name: 'expected_rate', title: 'Expected', unit: 'percentunit', decimals: 1, width: 90 },
      { name: 'failing_clients', title: 'Failing clients', unit: 'none', width: 120 },
      { name: 'cause', title: 'Cause', width: 150, values: CAUSE_VALUES, link: TO_CAUSE },
      { name: 'explanation', title: 'In a sentence', wrap: true },
    ],
  })

export const rateOverTime = () =>
  ratePanel({
    id: 6,
    title: 'Handshakes that complete, over time',
    description:
      'All networks together, and the same hours of the day before. Shaded stretches are incidents; point at one for its sentence. A ' +
      'dip of all networks at once is on our side more often than on theirs.',
    size: [16, 9],
    sql: [sql.RATE_OVER_TIME, sql.RATE_DAY_BEFORE],
    colors: { 'all networks': COLORS.good, 'the day before': COLORS.past },
  })

export const outcomes = () =>
  stackPanel({
    id: 7,
    title: 'Handshakes by outcome',
    description:
      'How many were decided in each step of the axis. Orange is what matters; noise never spoke TLS and is in no rate; unknown could not ' +
      'be told.',
    unit: 'short',
    size: [8, 9],
    sql: [sql.OUTCOMES],
    colors: OUTCOME_COLORS,
  })

export const networks = () =>
  tablePanel({
    id: 8,
    title: 'Networks',
    description:
      'The 200 networks with most excess failures, the worst first: failures beyond what the network had the day before or the others have ' +
      'now, whichever is worse. Change is in percentage points against the same time of the day before, empty where fewer than 50 ' +
      'handshakes were decided then. Trend: the last 24 hours by hour, a full bar for 95 % and more and a step lower for each five points less; a dot ' +
      'has too few handshakes, and only the 1,000 networks with most failures have a trend. Click the AS number for the network.',
    size: [24, 12],
    sql: [sql.NETWORKS],
    columns: [
      { name: 'asn', title: 'AS number', unit: 'none', decimals: 0, width: 110, link: TO_NETWORK },
      { name: 'network', title: 'Network', link: TO_NETWORK },
      { name: 'label_name', title: 'Label', width: 110 },
      {
        name: 'success_rate',
        title: 'Completes',
        unit: 'percentunit',
        decimals: 2,
        width: 110,
        steps: RATE_STEPS,
      },
      { name: 'change', title: 'Change', unit: 'percentunit', decimals: 2, width: 100, steps: CHANGE_STEPS },
      { name: 'trend', title: 'Trend', width: 230 },
      { name: 'others_rate', title: 'All others', unit: 'percentunit', decimals: 2, width: 100 },
      { name: 'handshakes', title: 'Handshakes', unit: 'short', width: 110 },
      { name: 'failed', title: 'Failed', unit: 'short', width: 90 },
      { name: 'excess_failures', title: 'Excess failures', unit: 'short', decimals: 1, width: 130 },
      { name: 'cause', title: 'Main cause', width: 170, values: CAUSE_VALUES, link: TO_CAUSE },
    ],
  })

export const sites = () =>
  ratePanel({
    id: 9,
    title: 'Handshakes that complete, by site',
    description:
      'One line for each site. One line that dips alone is that site or the way to it; all that dip together are something they share.',
    size: [12, 8],
    sql: [sql.SITES_OVER_TIME],
    colors: {},
  })

export const ipVersions = () =>
  ratePanel({
    id: 10,
    title: 'Handshakes that complete, by IP version',
    description:
      'IPv4 and IPv6 take different paths: one that dips alone points to routing, tunnels or filtered ICMPv6 rather than to certificates.',
    size: [12, 8],
    sql: [sql.IP_VERSIONS_OVER_TIME],
    colors: { IPv4: COLORS.good, IPv6: COLORS.warning },
  })
