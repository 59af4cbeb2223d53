import { isIPv6 } from 'node:net'
import { parseConfig } from '../core/runtime/config.ts'
import { durationText, sizeText } from '../core/runtime/quantity.ts'

/** A setting's value as one writes it: durations and sizes with their unit, an address and its port as one text. */
export function writtenSetting(variable: string, value: unknown): string {
  if (value === undefined) return '(not set)'
  if (typeof value === 'number') {
    const texts = [String(value), durationText(value), sizeText(value)]
    return texts.find((text) => parseConfig({ env: { [variable]: text } }).ok) ?? String(value)
  }
  if (isPlace(value)) return `${isIPv6(value.host) ? `[${value.host}]` : value.host}:${value.port}`
  return JSON.stringify(value)
}

function isPlace(value: unknown): value is { host: string; port: number } {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value
}
