import { COLORS } from '../common/colors.ts'
import { NEWEST_MINUTE } from '../common/freshness.ts'
import { linesPanel, stackPanel, statPanel, tablePanel } from '../common/panels.ts'
import { AGE_STEPS, NONE_STEPS } from '../common/thresholds.ts'
import * as sql from './queries.ts'

export const newest = () =>
  statPanel({
    id: 1,
    title: 'Newest minute',
    description:
      'How long ago the newest minute began that has a handshake: from the edge to the rollups. It should stay below three minutes. Empty: ' +
      'nothing within a day.',
    unit: 's',
    decimals: 0,
    size: [6, 4],
    sql: [NEWEST_MINUTE],
    steps: AGE_STEPS,
  })

export const lastBatch = () =>
  statPanel({
    id: 2,
    title: 'Last batch',
    description:
      'How long ago the ingest received the newest batch that is stored. When this is old as well, nothing arrives: look at agents, ingest and Kafka; ' +
      'when only the newest minute is, clocks differ.',
    unit: 's',
    decimals: 0,
    size: [6, 4],
    sql: [sql.LAST_BATCH],
    steps: AGE_STEPS,
  })

export const agentsReporting = () =>
  statPanel({
    id: 3,
    title: 'Agents that report',
    description:
      'Agents with a batch in the last ten minutes, whatever the time range. Compare it with how many you have; the table below names them.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.AGENTS_REPORTING],
    steps: [
      { value: null, color: COLORS.bad },
      { value: 1, color: COLORS.good },
    ],
  })

export const deadLetters = () =>
  statPanel({
    id: 4,
    title: 'Dead letters',
    description:
      'Lines that were refused in the time range. None is right; the reasons are below. They are kept, with their bytes.',
    unit: 'none',
    size: [6, 4],
    sql: [sql.DEAD_LETTERS],
    steps: NONE_STEPS,
  })

export const stored = () =>
  linesPanel({
    id: 5,
    title: 'Handshakes stored per minute',
    description:
      'By time of arrival at the ingest, on average over each step. A gap followed by a peak is agents that kept their events and sent them later: ' +
      'nothing is lost.',
    unit: 'cpm',
    size: [12, 8],
    sql: [sql.STORED],
    colors: { handshakes: COLORS.good, 'refused lines': COLORS.bad },
  }).min(0)

export const batches = () =>
  linesPanel({
    id: 6,
    title: 'Batches per minute, by agent',
    description:
      'Each agent sends a batch every second or so while it has something. A line that ends is an agent that stopped or cannot reach the ingest.',
    unit: 'cpm',
    size: [12, 8],
    sql: [sql.BATCHES],
    colors: {},
  }).min(0)

export const deadLettersByReason = () =>
  stackPanel({
    id: 7,
    title: 'Dead letters by reason',
    description:
      'Refused lines by why. clock: an agent whose clock is wrong; others: an agent that does not speak the format, most often one that was written ' +
      'by hand. Empty is good.',
    unit: 'short',
    size: [8, 9],
    sql: [sql.DEAD_LETTERS_BY_REASON],
    colors: {},
  })

export const latestDeadLetters = () =>
  tablePanel({
    id: 8,
    title: 'Latest dead letters',
    description:
      'The newest 50 refused lines: which agent, which field, and what is wrong with it. The bytes are at /v1/dead-letters of the API. Empty is good.',
    size: [16, 9],
    sql: [sql.LATEST_DEAD_LETTERS],
    columns: [
      { name: 'received_at', title: 'Received', width: 190 },
      { name: 'agent', title: 'Agent', width: 140 },
      { name: 'reason', title: 'Reason', width: 130 },
      { name: 'field', title: 'Field', width: 130 },
      { name: 'message', title: 'What is wrong', wrap: true },
      { name: 'bytes', title: 'Length', unit: 'bytes', width: 90 },
    ],
  })

export const agents = () =>
  tablePanel({
    id: 9,
    title: 'Agents',
    description:
      'What each agent sent in the time range, the latest first. Many runs: it is restarted often. Refused lines: it sends what is no valid event.',
    size: [12, 10],
    sql: [sql.AGENTS],
    columns: [
      { name: 'agent', title: 'Agent' },
      { name: 'last_batch', title: 'Last batch', width: 180 },
      { name: 'age', title: 'Ago', unit: 's', decimals: 0, width: 90, steps: AGE_STEPS },
      { name: 'runs', title: 'Runs', unit: 'none', width: 70 },
      { name: 'batches', title: 'Batches', unit: 'short', width: 80 },
      { name: 'handshakes', title: 'Handshakes', unit: 'short', width: 100 },
      { name: 'refused', title: 'Refused lines', unit: 'none', width: 110, steps: NONE_STEPS },
    ],
  })

export const rollups = () =>
  tablePanel({
    id: 10,
    title: 'Handshakes in each rollup',
    description:
      'Counted over the whole hours of the time range. All are the same, or something was lost or counted twice (or the range reaches back beyond ' +
      'the retention of the minutes).',
    size: [12, 5],
    sql: [sql.ROLLUPS],
    columns: [
      { name: 'rollup', title: 'Rollup' },
      { name: 'handshakes', title: 'Handshakes', unit: 'none', width: 150 },
    ],
  })

export const tables = () =>
  tablePanel({
    id: 11,
    title: 'Rows in each table',
    description:
      'What is stored now, whatever the time range, and what it takes on the disk. At a cluster: on the node that answers. docs/deploy.md says what to ' +
      'expect for your traffic.',
    size: [12, 5],
    sql: [sql.TABLES],
    columns: [
      { name: 'table_name', title: 'Table' },
      { name: 'stored_rows', title: 'Rows', unit: 'short', width: 110 },
      { name: 'stored_bytes', title: 'On disk', unit: 'bytes', width: 110 },
      { name: 'bytes_per_row', title: 'Bytes per row', unit: 'bytes', decimals: 1, width: 120 },
    ],
  })
