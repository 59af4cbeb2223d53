import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Fault, fault } from './fault.ts'
import type { Access } from './users.ts'

/** What the URL asks for, beside the query itself. */
export type Asked = {
  /** The part of the statement that stands in the URL. */
  query: string
  queryId: string
  database: string
  defaultFormat: string
  /** `{name:Type}` values, as the wire has them: in the escaped form of TabSeparated. */
  parameters: ReadonlyMap<string, string>
  /** Settings for the engine, in the order given. */
  settings: ReadonlyMap<string, string>
  /** Whether the answer may be compressed. */
  compress: boolean
  /** Whether the whole answer is to be made before its first byte is sent, so that an error has its status. */
  waitEndOfQuery: boolean
  /** Above 0, Native blocks carry what this revision of the protocol has. */
  protocolVersion: number
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Parameters of the HTTP layer itself; what stands for a value is what they are asked for without effect. */
const TRANSPORT = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'user',
  'password',
  'enable_http_compression',
  'wait_end_of_query',
  'client_protocol_version',
  'http_zlib_compression_level',
  'buffer_size',
  'http_response_buffer_size',
])
/** Asked for with these values they change nothing; with any other they could not be honoured. */
const ONLY_WHEN: Record<string, readonly string[]> = {
  compress: ['0', 'false'],
  decompress: ['0', 'false'],
  session_check: ['0'],
  close_session: ['0'],
  stacktrace: ['0'],
  add_http_cors_header: ['0'],
  send_progress_in_http_headers: ['0'],
  http_write_exception_in_output_format: ['0'],
  send_logs_level: ['none', 'fatal'],
}
const REFUSED: Record<string, string> = {
  session_id: 'there are no sessions here: every request stands alone',
  session_timeout: 'there are no sessions here: every request stands alone',
  role: 'roles are not chosen here: the user has one',
  quota_key: 'there are no quotas here',
  log_comment: 'there is no query log here',
}
/** What a data source sets to read, and nothing that reaches further. */
const READER_SETTINGS = new Set([
  'max_execution_time',
  'timeout_overflow_mode',
  'max_result_rows',
  'max_result_bytes',
  'result_overflow_mode',
  'max_rows_to_read',
  'max_bytes_to_read',
  'limit',
  'offset',
  'extremes',
  'join_use_nulls',
  'session_timezone',
  'date_time_output_format',
  'output_format_json_quote_64bit_integers',
  'output_format_json_quote_denormals',
  'output_format_json_quote_decimals',
  'readonly',
])

/** Reads the URL and the headers that stand for parts of it; throws a fault for what cannot be honoured. */
export function readParameters(url: URLSearchParams, headers: IncomingHttpHeaders, access: Access): Asked {
  const parameters = new Map<string, string>()
  const settings = new Map<string, string>()
  for (const [name, value] of url) {
    if (name.startsWith('param_')) parameters.set(checked(name.slice('param_'.length)), value)
    else if (!TRANSPORT.has(name) && !changesNothing(name, value)) settings.set(setting(name, access), value)
  }
  return {
    query: url.get('query') ?? '',
    queryId: url.get('query_id') || randomUUID(),
    database: databaseOf(
      url.get('database') ?? header(headers, 'x-clickhouse-database') ?? 'default',
      access,
    ),
    defaultFormat: checked(
      url.get('default_format') ?? header(headers, 'x-clickhouse-format') ?? 'TabSeparated',
    ),
    parameters,
    settings,
    compress: isOn(url.get('enable_http_compression')),
    waitEndOfQuery: isOn(url.get('wait_end_of_query')),
    protocolVersion: Number(url.get('client_protocol_version') ?? 0) || 0,
  }
}

function changesNothing(name: string, value: string): boolean {
  const reason = REFUSED[name]
  if (reason !== undefined) throw fault.notImplemented(`${name} cannot be honoured: ${reason}`)
  const harmless = ONLY_WHEN[name]
  if (harmless === undefined) return false
  if (harmless.includes(value)) return true
  throw fault.notImplemented(`${name}=${value} cannot be honoured here; ${name}=${harmless[0]} can`)
}

function setting(name: string, access: Access): string {
  if (access === 'reader' && !READER_SETTINGS.has(name)) {
    throw fault.readonly(`Cannot modify '${name}' setting in readonly mode`)
  }
  if (name.endsWith('_structure')) {
    throw fault.notImplemented(`${name} cannot be honoured: tables sent with a request are not taken here`)
  }
  if (!NAME.test(name)) throw new Fault(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`)
  return name
}

function databaseOf(name: string, access: Access): string {
  const database = name === '' ? 'default' : checked(name)
  if (access === 'reader' && database !== 'default') {
    throw fault.denied(`Not enough privileges: database ${database}`)
  }
  return database
}

function checked(name: string): string {
  if (NAME.test(name)) return name
  throw fault.badArguments(`'${name}' is no name: letters, digits and _ only`)
}

function isOn(value: string | null): boolean {
  return value === '1' || value === 'true'
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
