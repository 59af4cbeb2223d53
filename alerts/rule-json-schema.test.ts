import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseRules } from './parse-rules.ts'
import { rulesFileJsonSchema } from './rule-json-schema.ts'

const PUBLISHED = join(import.meta.dirname, '../docs/rules.schema.json')
const AROUND = { receivers: ['ops'], prefixLengths: { ipv4: 32, ipv6: 128 } }
const validate = new Ajv2020({ allErrors: true, strict: false }).compile(rulesFileJsonSchema())

const rule = (text: string) => `rules: [{ id: a, ${text} }]`
const who = (text: string) => rule(`who: { ${text} }, what: { divergence: }`)
const what = (text: string) => rule(`who: { any: true }, for: 5m, what: { ${text} }`)

/** Files, and whether they are rules. */
const FILES: [boolean, string][] = [
  [true, 'rules: []'],
  [true, 'lists: { partners: [64500, AS64501] }\nrules: []'],
  [true, who('asn: 64500')],
  [true, who('asn: [64500, as4294967295], site: fra')],
  [true, who('label: x, prefix: [192.0.2.0/24, "2001:db8::/48"]')],
  [true, what('divergence: { sensitivity: low, minimum_excess: 5 % }')],
  [true, what('success_rate: { below: 0.95 }')],
  [true, what('success_rate: { below: 99.5%, over: 10m }')],
  [true, what('cause_share: { cause: mtu_inbound, above: "0.2" }')],
  [true, what('volume: { above: 10 }')],
  [true, what('no_data:')],
  [
    true,
    rule('who: { any: true, ip_version: 6 }, what: { volume: { below: 1 } }, repeat: 1h, receivers: ops'),
  ],
  [
    true,
    rule('who: { any: true, agent: edge-1, server_name: [www.example.com] }, what: { no_data: }, for: 5m'),
  ],
  [true, what('handshake_time: { quantile: p95, above: 2s }')],
  [false, who('any: true, agent: edge-1')],
  [false, who('any: true, server_name: www.example.com')],
  [false, what('handshake_time: { quantile: p42, above: 2s }')],
  [false, what('handshake_time: { quantile: p95 }')],
  [false, what('handshake_time: { quantile: p95, above: slow }')],
  [false, rule('who: { prefix: 192.0.2.0/24 }, what: { handshake_time: { quantile: p95, above: 2s } }')],
  [false, 'rules: {}'],
  [false, '[]'],
  [false, 'lists: { partners: [] }\nrules: []'],
  [false, 'rule: []'],
  [false, who('asn: 0')],
  [false, who('asn: 4294967296')],
  [false, who('asn: AS4294967296')],
  [false, who('asn: []')],
  [false, who('any: true, asn: 64500')],
  [false, who('any: false')],
  [false, who('site: fra')],
  [false, who('prefix: 192.0.2.0')],
  [false, who('any: true, ip_version: 6')],
  [false, who(String.raw`label: "half a pair \uD800 of surrogates"`)],
  [false, who(String.raw`any: true, site: "fra\r\nBcc: all@example.com"`)],
  [false, who('any: true, ip_version: 5')],
  [false, who('any: true, asns: 1')],
  [false, what('divergence: { sensitivity: loud }')],
  [false, what('success_rate: { below: 120 % }')],
  [false, what('success_rate: { below: 1.5 }')],
  [false, what('success_rate: {}')],
  [false, what('success_rate: { below: 90 %, over: ten minutes }')],
  [false, what('cause_share: { cause: mtu_inbund, above: 20 % }')],
  [false, what('cause_share: { cause: client_closed_early_but_fine, above: 20 % }')],
  [false, what('volume: { above: 10, below: 20 }')],
  [false, what('volume: {}')],
  [false, what('volume: { above: 0 }')],
  [false, what('no_data: { x: 1 }')],
  [false, what('no_data: , divergence: ')],
  [false, rule('who: { any: true }, what: {}')],
  [false, rule('who: { any: true }, what: { no_data: }')],
  [false, rule('who: { any: true }')],
  [false, rule('who: { any: true }, what: { divergence: }, severity: loud')],
  [false, rule('who: { any: true }, what: { divergence: }, receivers: []')],
  [false, rule('who: { any: true }, what: { divergence: }, minimum_handshakes: 1.5')],
  [false, rule(String.raw`summary: "\uDC00", who: { any: true }, what: { divergence: }`)],
  [false, 'rules: [{ id: Not An Id, who: { any: true }, what: { divergence: } }]'],
]

describe('the JSON Schema of files of rules', () => {
  it.each(FILES)('says %s of %s, as the parser does', (allowed, text) => {
    expect(parseRules([{ file: 'a.yaml', text }], AROUND).ok).toBe(allowed)
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(allowed)
  })

  it('takes the shipped rule', () => {
    const text = readFileSync(join(import.meta.dirname, 'default-rules.yaml'), 'utf8')
    expect(validate(parse(text))).toBe(true)
  })

  it('is published as docs/rules.schema.json; "bin/halfshake rules schema" prints it', () => {
    expect(JSON.parse(readFileSync(PUBLISHED, 'utf8'))).toEqual(rulesFileJsonSchema())
  })
})
