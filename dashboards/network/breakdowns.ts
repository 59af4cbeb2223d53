import { COLORS } from '../common/colors.ts'
import { CAUSE_VALUES, type Column } from '../common/columns.ts'
import { TO_CAUSE } from '../common/links.ts'
import { barsPanel, tablePanel } from '../common/panels.ts'
import { RATE_STEPS } from '../common/thresholds.ts'
import * as sql from './queries.ts'

const RATE: Column = {
  name: 'success_rate',
  title: 'Completes',
  unit: 'percentunit',
  decimals: 2,
  width: 110,
  steps: RATE_STEPS,
}
const DECIDED: Column = { name: 'decided', title: 'Completed or failed', unit: 'short', width: 150 }
const FAILED: Column = { name: 'failed', title: 'Failed', unit: 'short', width: 90 }

export const stages = () =>
  barsPanel({
    id: 10,
    title: 'How far handshakes come',
    description:
      'Share of completed and failed handshakes that came at least so far. Where the bars drop is where they stick: before the ClientHello is ' +
      'whole, on the way in; after the server answered, on the way out or at its certificate.',
    unit: 'percentunit',
    decimals: 1,
    size: [8, 9],
    sql: [sql.STAGES],
    steps: [{ value: null, color: COLORS.good }],
  })

export const prefixes = () =>
  tablePanel({
    id: 11,
    title: 'Prefixes',
    description:
      'The 100 prefixes with most failures. All alike: the whole network. One or two alone: a part of it, whose number the network needs to ' +
      'hear.',
    size: [12, 10],
    sql: [sql.PREFIXES],
    columns: [
      { name: 'prefix', title: 'Prefix' },
      RATE,
      DECIDED,
      FAILED,
      { name: 'failing_clients', title: 'Failing clients', unit: 'none', width: 120 },
      { name: 'cause', title: 'Main cause', width: 150, values: CAUSE_VALUES, link: TO_CAUSE },
    ],
  })

export const sites = () =>
  tablePanel({
    id: 12,
    title: 'Sites',
    description:
      'Where the handshakes of this network arrive. One site that is worse: look at the path to that one.',
    size: [8, 8],
    sql: [sql.SITES],
    columns: [{ name: 'site', title: 'Site' }, RATE, DECIDED, FAILED],
  })

export const helloSizes = () =>
  tablePanel({
    id: 13,
    title: 'By size of the ClientHello',
    description:
      'In an MTU hole small ClientHellos complete and large ones do not. Those that never arrived whole have no size: many failures in "not ' +
      'seen" and few large ones completed is the same sign.',
    size: [12, 10],
    sql: [sql.HELLO_SIZES],
    columns: [{ name: 'size', title: 'ClientHello' }, RATE, DECIDED, FAILED],
  })

export const postQuantum = () =>
  tablePanel({
    id: 15,
    title: 'By post-quantum offer',
    description:
      'A post-quantum key share makes the ClientHello 1.5 to 1.9 kB. When those with it do worse, large ClientHellos are what fails; a ClientHello that ' +
      'did not arrive is "not seen".',
    size: [8, 8],
    sql: [sql.POST_QUANTUM],
    columns: [{ name: 'offer', title: 'Key share' }, RATE, DECIDED, FAILED],
  })

export const latestFailed = () =>
  tablePanel({
    id: 16,
    title: 'Latest failed handshakes',
    description:
      'The newest 50 of the last day of the time range, with what each conclusion rests on. This is the one panel that reads single ' +
      'handshakes, and the one that the variable Server name narrows down.',
    size: [24, 11],
    sql: [sql.LATEST_FAILED],
    columns: [
      { name: 'decided_at', title: 'Decided', width: 190 },
      { name: 'source', title: 'Client', width: 150 },
      { name: 'prefix', title: 'Prefix', width: 140 },
      { name: 'site', title: 'Site', width: 70 },
      { name: 'server_name', title: 'Server name', width: 150 },
      { name: 'stage', title: 'Came to', width: 110 },
      { name: 'cause', title: 'Cause', width: 140, values: CAUSE_VALUES, link: TO_CAUSE },
      { name: 'confidence', title: 'Confidence', width: 100 },
      { name: 'evidence', title: 'Evidence', wrap: true },
      { name: 'ended_by', title: 'Ended by', width: 90 },
      { name: 'tls_version', title: 'TLS', width: 80 },
      { name: 'hello_bytes', title: 'ClientHello', unit: 'bytes', width: 100 },
      { name: 'id', title: 'Connection', width: 150 },
    ],
  })
