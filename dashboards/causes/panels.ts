import { CAUSE_COLORS } from '../common/colors.ts'
import { CAUSE_VALUES, type Column } from '../common/columns.ts'
import { TO_NETWORK } from '../common/links.ts'
import { stackPanel, tablePanel } from '../common/panels.ts'
import * as sql from './queries.ts'

const CAUSE: Column = { name: 'cause', title: 'Cause', width: 160, values: CAUSE_VALUES }
const FAILED: Column = { name: 'failed', title: 'Failed', unit: 'short', width: 100 }
const FIRST: Column = { name: 'first_seen', title: 'First in range', width: 170 }
const LAST: Column = { name: 'last_seen', title: 'Last', width: 170 }

export const overTime = () =>
  stackPanel({
    id: 1,
    title: 'Why handshakes fail',
    description:
      'Failed handshakes of all networks by cause, one on top of the other. Most causes are always there a little; look for a colour that grows, ' +
      'then for who has it below.',
    unit: 'short',
    size: [24, 9],
    sql: [sql.OVER_TIME],
    colors: CAUSE_COLORS,
  })

export const table = () =>
  tablePanel({
    id: 2,
    title: 'Causes',
    description:
      'What each cause has in the time range, and how many times as many failures as at the same time of the day before (1 is as usual; empty: ' +
      'none then). A cause in one network is that network; the same in many is upstream of them, or ours.',
    size: [24, 9],
    sql: [sql.TABLE],
    columns: [
      CAUSE,
      { name: 'meaning', title: 'What it is', width: 240 },
      FAILED,
      { name: 'share', title: 'Share', unit: 'percentunit', decimals: 1, gaugeTo: 1 },
      { name: 'times_day_before', title: 'Times the day before', unit: 'none', decimals: 1, width: 160 },
      { name: 'networks', title: 'Networks', unit: 'none', width: 100 },
      { name: 'worst', title: 'Most of it in', width: 260 },
      FIRST,
      LAST,
    ],
  })

export const networks = () =>
  tablePanel({
    id: 3,
    title: 'Where: networks',
    description:
      'Who has how many failures of which cause, and what share that is of the failures of the network that are shown. First in range is since when, ' +
      'if the range reaches back far enough. Click the AS number for the network.',
    size: [16, 12],
    sql: [sql.NETWORKS],
    columns: [
      { name: 'asn', title: 'AS number', unit: 'none', decimals: 0, width: 100, link: TO_NETWORK },
      { name: 'network', title: 'Network', link: TO_NETWORK },
      { name: 'label', title: 'Label', width: 100 },
      CAUSE,
      FAILED,
      { name: 'share', title: 'Share of its failures', unit: 'percentunit', decimals: 0, width: 150 },
      FIRST,
      LAST,
    ],
  })

export const sites = () =>
  tablePanel({
    id: 4,
    title: 'Where: sites',
    description:
      'How the failures of a cause are spread over the sites. Shares that follow the traffic are the networks; a cause that is at one site alone is that ' +
      'site.',
    size: [8, 12],
    sql: [sql.SITES],
    columns: [
      { name: 'site', title: 'Site', width: 80 },
      CAUSE,
      FAILED,
      { name: 'share', title: 'Share of the cause', unit: 'percentunit', decimals: 0 },
    ],
  })

export const notCounted = () =>
  stackPanel({
    id: 5,
    title: 'What is in no rate',
    description:
      'Noise (never spoke TLS) and what could not be told, by cause. It is shown so that nothing is hidden: a jump here can be a new health check, a ' +
      'scan, or an agent that lost its view of the kernel.',
    unit: 'short',
    size: [24, 8],
    sql: [sql.NOT_COUNTED],
    colors: CAUSE_COLORS,
  })
