import { expect, it } from 'vitest'
import { describeSettings, parseConfig } from '../core/runtime/config.ts'
import { writtenSetting } from './written-setting.ts'

it.each([
  ['HALFSHAKE_STORE_RETENTION_RAW', 1_209_600_000, '14d'],
  ['HALFSHAKE_DETECTOR_WATERMARK', 90_000, '90s'],
  ['HALFSHAKE_INGEST_MAX_BODY', 8_000_000, '8MB'],
  ['HALFSHAKE_INGEST_MAX_BODY', 64 * 1024 ** 2, '64MiB'],
  ['HALFSHAKE_INGEST_MAX_QUEUE', 200_000, '200000'],
  ['HALFSHAKE_HTTP_LISTEN', { host: '::1', port: 8080 }, '[::1]:8080'],
  ['HALFSHAKE_DATA_FOLDER', 'data', '"data"'],
  ['HALFSHAKE_STORE_URL', undefined, '(not set)'],
])('writes %s as one would', (variable, value, text) => {
  expect(writtenSetting(variable, value)).toBe(text)
})

it('writes every default so that it can be read again', () => {
  const parsed = parseConfig({})
  const config: Record<string, Record<string, unknown>> = parsed.ok ? parsed.config : {}
  for (const { path, variable } of describeSettings()) {
    const [section = '', key = ''] = path.split('.')
    const value = config[section]?.[key]
    if (value === undefined || typeof value === 'string') continue
    const again = parseConfig({ env: { [variable]: writtenSetting(variable, value) } })
    expect(again.ok && (again.config as typeof config)[section]?.[key], path).toEqual(value)
  }
})
