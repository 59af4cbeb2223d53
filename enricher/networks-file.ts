import { isUtf8 } from 'node:buffer'
import { formatAddress, IPV4_OFFSET_BITS, isMapped, maskBytes, parseBytes } from './address.ts'
import { parseCsvLine } from './csv.ts'

/** A line of networks.csv: what the operator calls a prefix. */
export type NamedNetwork = {
  /** CIDR text as it is written everywhere: 203.0.113.0/24. */
  readonly prefix: string
  /** First address, 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly bytes: Uint8Array
  /** Length in the 16 bytes: that of an IPv4 prefix is 96 more than written. */
  readonly bits: number
  readonly label: string
  /** Undefined: the one the ASN database has. */
  readonly asn: number | undefined
}

export type NetworksMistake = {
  line: number
  /** The column at fault, or null when the line as a whole is. */
  field: 'prefix' | 'label' | 'asn' | null
  /** Stable name. */
  reason:
    | 'not_utf8'
    | 'bad_header'
    | 'bad_quotes'
    | 'wrong_columns'
    | 'bad_prefix'
    | 'host_bits'
    | 'duplicate'
    | 'bad_label'
    | 'bad_asn'
  message: string
  allowed: string
}

export type ParsedNetworks = { networks: NamedNetwork[]; mistakes: NetworksMistake[] }

type Mistaken = { mistake: Omit<NetworksMistake, 'line'> }

const HEADERS = ['prefix,label', 'prefix,label,asn']
const HEADER_ALLOWED = `the header ${HEADERS.join(' or ')} before the first network`
const LABEL_ALLOWED = 'a name of 1 to 64 characters without control characters'
const ASN_ALLOWED = 'a number from 1 to 4294967295, or nothing'
const MAX_LABEL = 64

/**
 * Parses networks.csv: `prefix,label[,asn]` under a header of that form, blank lines and lines that begin with #
 * left out, labels quoted where they hold a comma. Never throws: all that is wrong comes back under `mistakes`.
 */
export function parseNetworks(bytes: Buffer): ParsedNetworks {
  if (!isUtf8(bytes)) {
    const mistake = mistaken(null, 'not_utf8', 'the file is not UTF-8', 'UTF-8 text').mistake
    return { networks: [], mistakes: [{ line: 1, ...mistake }] }
  }
  const parsed: ParsedNetworks = { networks: [], mistakes: [] }
  const firstLines = new Map<string, number>()
  let header = false
  const lines = bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
  for (const [at, text] of lines.entries()) {
    const line = at + 1
    if (text.trim() === '' || text.trimStart().startsWith('#')) continue
    const result = header ? parseLine(text, firstLines) : parseHeader(text)
    header = true
    if (result === undefined) continue
    if ('mistake' in result) parsed.mistakes.push({ line, ...result.mistake })
    else {
      parsed.networks.push(result)
      firstLines.set(result.prefix, line)
    }
  }
  return parsed
}

function parseHeader(text: string): Mistaken | undefined {
  const columns = parseCsvLine(text)?.join(',').toLowerCase() ?? ''
  if (HEADERS.includes(columns)) return undefined
  return mistaken(null, 'bad_header', `${show(text)} is no header`, HEADER_ALLOWED)
}

function parseLine(text: string, firstLines: ReadonlyMap<string, number>): NamedNetwork | Mistaken {
  const fields = parseCsvLine(text)
  if (fields === undefined) {
    return mistaken(null, 'bad_quotes', `a quote too many or too few in ${show(text)}`, '"…" around a field')
  }
  if (fields.length < 2 || fields.length > 3) {
    return mistaken(null, 'wrong_columns', `${fields.length} columns`, 'prefix,label or prefix,label,asn')
  }
  const [prefixText = '', label = '', asnText = ''] = fields
  const prefix = parsePrefix(prefixText)
  if ('mistake' in prefix) return prefix
  const first = firstLines.get(prefix.prefix)
  if (first !== undefined) {
    return mistaken('prefix', 'duplicate', `${prefix.prefix} stands on line ${first}`, 'each prefix once')
  }
  if (label === '' || [...label].length > MAX_LABEL || /\p{Cc}/u.test(label)) {
    return mistaken('label', 'bad_label', `label ${show(label)}`, LABEL_ALLOWED)
  }
  const asn = parseAsn(asnText)
  if (asn === 'bad') return mistaken('asn', 'bad_asn', `asn ${show(asnText)}`, ASN_ALLOWED)
  return { ...prefix, label, asn }
}

function parsePrefix(text: string): Pick<NamedNetwork, 'prefix' | 'bytes' | 'bits'> | Mistaken {
  const [address = '', lengthText = '', ...rest] = text.split('/')
  const bytes = address.includes('%') ? undefined : parseBytes(address)
  const dotted = !address.includes(':')
  const longest = dotted ? 32 : 128
  if (
    bytes === undefined ||
    rest.length > 0 ||
    !/^\d{1,3}$/.test(lengthText) ||
    Number(lengthText) > longest
  ) {
    const allowed = 'a prefix such as 203.0.113.0/24 or 2001:db8::/48'
    return mistaken('prefix', 'bad_prefix', `prefix ${show(text)}`, allowed)
  }
  const bits = Number(lengthText) + (dotted ? IPV4_OFFSET_BITS : 0)
  const isIpv4 = dotted || (isMapped(bytes) && bits >= IPV4_OFFSET_BITS)
  const canonical = (of: Uint8Array) =>
    isIpv4 ? `${formatAddress(of, 4)}/${bits - IPV4_OFFSET_BITS}` : `${formatAddress(of, 6)}/${bits}`
  const masked = maskBytes(bytes, bits)
  if (Buffer.compare(masked, bytes) !== 0) {
    const message = `prefix ${show(text)} has bits set after the first ${Number(lengthText)}`
    return mistaken('prefix', 'host_bits', message, canonical(masked))
  }
  return { prefix: canonical(bytes), bytes, bits }
}

function parseAsn(text: string): number | undefined | 'bad' {
  if (text === '') return undefined
  const asn = /^(?:AS)?(\d{1,10})$/i.exec(text)?.[1]
  return asn !== undefined && Number(asn) >= 1 && Number(asn) <= 0xffff_ffff ? Number(asn) : 'bad'
}

function mistaken(
  field: NetworksMistake['field'],
  reason: NetworksMistake['reason'],
  message: string,
  allowed: string,
): Mistaken {
  return { mistake: { field, reason, message, allowed } }
}

/** A value from the file, short and safe to print. */
function show(value: string): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 56)}…"` : text
}
