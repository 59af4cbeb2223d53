import type { AgentLog } from './log.ts'
import { createReader } from './option-reader.ts'
import { type Mistake, OptionsError } from './options-error.ts'

/** The options with every default in place. */
export type Settings = {
  url: URL
  token: string | undefined
  agent: string
  site: string | undefined
  handshakeTimeout: number
  kernel: boolean
  reportNew: boolean
  batch: { events: number; delay: number }
  spool: { maxBytes: number; directory: string | undefined }
  requestTimeout: number
  drainTimeout: number
  stopOnSigterm: boolean
  log: AgentLog
}

const LIMITS = {
  handshakeTimeout: { min: 0, max: 86_400_000, usual: 10_000, unit: ' (ms), 0 for no deadline' },
  events: { min: 1, max: 10_000, usual: 1000 },
  delay: { min: 1, max: 60_000, usual: 2000, unit: ' (ms)' },
  maxBytes: { min: 65_536, max: 2 ** 40, usual: 16 * 2 ** 20, unit: ' (bytes)' },
  requestTimeout: { min: 100, max: 600_000, usual: 10_000, unit: ' (ms)' },
  drainTimeout: { min: 0, max: 600_000, usual: 3000, unit: ' (ms)' },
} as const
/** What ingest takes as an agent's name. */
export const AGENT_NAME = /^[A-Za-z0-9._:@/-]{1,128}$/
const AGENT_NAMES = 'at most 128 letters, digits and . _ : @ / -'
const TOP = [
  ...['url', 'token', 'agent', 'site', 'handshakeTimeout', 'kernel', 'reportNew', 'batch', 'spool'],
  ...['requestTimeout', 'drainTimeout', 'stopOnSigterm', 'log'],
]

/**
 * Checks the options and fills in the defaults.
 * @throws OptionsError naming every mistake with its field and what is allowed.
 */
export function readOptions(given: unknown, defaults: { agent: string; log: AgentLog }): Settings {
  const mistakes: Mistake[] = []
  const top = createReader(given, '', TOP, mistakes)
  const batch = createReader(top.value('batch'), 'batch.', ['events', 'delay'], mistakes)
  const spool = createReader(top.value('spool'), 'spool.', ['maxBytes', 'directory'], mistakes)
  const settings: Settings = {
    url: top.url('url'),
    token: top.text('token', /^[\x21-\x7e]{1,4096}$/, 'visible ASCII characters, no spaces'),
    agent: top.text('agent', AGENT_NAME, AGENT_NAMES) ?? safeName(defaults.agent),
    site: top.text('site', /^[^\p{Cc}]{1,64}$/u, 'at most 64 characters, no control characters'),
    handshakeTimeout: top.number('handshakeTimeout', LIMITS.handshakeTimeout),
    kernel: top.flag('kernel', true),
    reportNew: top.flag('reportNew', false),
    batch: { events: batch.number('events', LIMITS.events), delay: batch.number('delay', LIMITS.delay) },
    spool: {
      maxBytes: spool.number('maxBytes', LIMITS.maxBytes),
      directory: spool.text('directory', /^[^\0]+$/, 'a path'),
    },
    requestTimeout: top.number('requestTimeout', LIMITS.requestTimeout),
    drainTimeout: top.number('drainTimeout', LIMITS.drainTimeout),
    stopOnSigterm: top.flag('stopOnSigterm', true),
    log: top.log('log') ?? defaults.log,
  }
  if (mistakes.length > 0) throw new OptionsError(mistakes)
  return settings
}

/** A host name made into an agent name. */
function safeName(host: string): string {
  return host.replace(/[^A-Za-z0-9._:@/-]/g, '-').slice(0, 128) || 'agent'
}
