import { describe, expect, it } from 'vitest'
import { parseRules } from './parse-rules.ts'
import { readSources } from './rule-files.ts'
import { mistakeLines } from './rule-mistake.ts'

const AROUND = { receivers: ['ops', 'pager'], prefixLengths: { ipv4: 24, ipv6: 48 } }

describe('files of rules', () => {
  it('are read with their defaults, lists of one file used in another', () => {
    const parsed = parseRules(
      [
        {
          file: 'a.yaml',
          text: `rules:
  - id: partners-fail
    who: { list: partners, asn: AS64510, site: fra }
    what: { success_rate: { below: 95 % } }
    for: 10m
    receivers: ops
`,
        },
        { file: 'lists.yaml', text: 'lists: { partners: [64500, AS64501] }\nrules: []\n' },
      ],
      AROUND,
    )
    expect(parsed).toMatchObject({
      ok: true,
      rules: [
        {
          id: 'partners-fail',
          summary: '',
          who: {
            any: false,
            asns: [64_510, 64_500, 64_501],
            labels: [],
            prefixes: [],
            sites: ['fra'],
            ip_version: undefined,
            agents: [],
            server_names: [],
          },
          what: { kind: 'success_rate', below: 0.95, over_s: 300 },
          for_s: 600,
          minimum_handshakes: 50,
          severity: 'warning',
          receivers: ['ops'],
          repeat_s: 14_400,
          file: 'a.yaml',
        },
      ],
    })
  })

  it('with a server name whose quotes were forgotten, which is an alias to YAML, are told by file and line', () => {
    const text = `rules:
  - id: shop-is-silent
    who: { any: true, server_name: *.shop.example.com }
    what: { no_data: }
    for: 1m
`
    const parsed = parseRules([{ file: 'a.yaml', text }], AROUND)
    expect(parsed.ok ? [] : mistakeLines(parsed.mistakes)).toEqual([
      'a.yaml:3: *.shop.example.com without quotes is a YAML alias, and there is no anchor &.shop.example.com; allowed: "*.shop.example.com" in quotes, where text is meant',
    ])
  })

  it('with aliases of aliases that would fill the memory are refused', () => {
    const lines = Array.from({ length: 9 }, (_, i) => {
      const inner = i === 0 ? '1' : `*a${i - 1}`
      return `a${i}: &a${i} [${Array.from({ length: 10 }, () => inner).join(', ')}]`
    })
    const parsed = parseRules([{ file: 'a.yaml', text: `${lines.join('\n')}\nrules: []\n` }], AROUND)
    expect(parsed.ok ? [] : mistakeLines(parsed.mistakes)).toEqual([
      expect.stringMatching(/^a.yaml:1: not YAML: Excessive alias count.*; allowed: fewer aliases$/),
    ])
  })

  it('have all mistakes of all files reported at once, with line, field, what is allowed and the nearest key', () => {
    const parsed = parseRules(
      [
        {
          file: 'a.yaml',
          text: `rules:
  - id: Bad Id
    who: { any: true, asn: 64500 }
    what:
      cause_share: { cause: mtu_inbund, above: 20 % }
    severty: critical
  - id: two
    who: { any: true }
    what: { success_rate: { below: 120 % }, no_data: {} }
  - id: three
    what: { divergence: }
`,
        },
        {
          file: 'b.yaml',
          text: `rules:
  - id: four
    who: { list: partner, prefix: 192.0.2.0/28 }
    what: { volume: { below: 10 } }
    receivers: [pagr]
  - id: four
    who: { any: true }
    what: { divergence: { sensitivity: medium } }
`,
        },
        { file: 'c.yaml', text: 'rules: [\n' },
      ],
      AROUND,
    )
    const lines = parsed.ok ? [] : mistakeLines(parsed.mistakes)
    expect(lines).toEqual([
      expect.stringMatching(/^a.yaml:2 rules\[0\]\.id: "Bad Id" is not allowed; allowed: up to 63 lowercase/),
      expect.stringMatching(/^a.yaml:3 rules\[0\]\.who: .*allowed: either any, or asn/),
      expect.stringMatching(
        /^a.yaml:5 rules\[0\]\.what\.cause_share\.cause: "mtu_inbund" .*did you mean mtu_inbound\?/,
      ),
      'a.yaml:6 rules[0].severty: unknown key severty; allowed: did you mean severity?',
      expect.stringMatching(/^a.yaml:9 rules\[1\]\.what\.success_rate\.below: "120 %" .*share from 0 %/),
      expect.stringMatching(
        /^a.yaml:10 rules\[2\]\.who: missing; allowed: keys and values, of any, asn, list/,
      ),
      'b.yaml:3 rules[0].who.list: there is no list partner; allowed: none: no such name is defined',
      'b.yaml:3 rules[0].who.prefix: 192.0.2.0/28 is narrower than what is counted; allowed: at most /24',
      'b.yaml:5 rules[0].receivers: there is no receiver pagr; allowed: did you mean pager?',
      'b.yaml:6 rules[1].id: four is used twice; allowed: an id of its own; it is in b.yaml already',
      expect.stringMatching(/^c.yaml:2: not YAML/),
    ])
  })

  it.each(['192.0.2.0', '192.0.2.0/33', '::ffff:192.0.2.0/40', 'x/8', '2001:db8::/129', 64_500])(
    'refuse %s as a prefix',
    (prefix) => {
      const text = `rules: [{ id: a, who: { prefix: "${prefix}" }, what: { volume: { below: 1 } } }]`
      const parsed = parseRules([{ file: 'a.yaml', text }], AROUND)
      expect(parsed.ok ? [] : mistakeLines(parsed.mistakes)).toEqual([
        `a.yaml:1 rules[0].who.prefix: "${prefix}" is not allowed; allowed: a prefix, as 203.0.113.0/24 or 2001:db8::/48`,
      ])
    },
  )

  it('take agents, server names and handshake times', () => {
    const text = `rules:
  - id: slow
    who: { any: true, agent: [fra-1, fra-2], server_name: "*.Example.com" }
    what: { handshake_time: { quantile: p95, above: 0.8s, over: 10m } }
`
    expect(parseRules([{ file: 'a.yaml', text }], AROUND)).toMatchObject({
      ok: true,
      rules: [
        {
          who: { any: true, agents: ['fra-1', 'fra-2'], server_names: ['*.example.com'] },
          what: { kind: 'handshake_time', quantile: 'p95', above_ms: 800, over_s: 600 },
          minimum_handshakes: 50,
        },
      ],
    })
  })

  it('say what agents, server names and handshake times go together with', () => {
    const text = `rules:
  - { id: a, who: { any: true, agent: fra-1, server_name: a.example }, what: { divergence: } }
  - { id: b, who: { prefix: 192.0.2.0/24 }, what: { handshake_time: { quantile: p95, above: 1s } } }
  - { id: c, who: { any: true, server_name: "www.*.com" }, what: { handshake_time: { quantile: p99 } } }
`
    const parsed = parseRules([{ file: 'a.yaml', text }], AROUND)
    expect(parsed.ok ? [] : mistakeLines(parsed.mistakes)).toEqual([
      expect.stringMatching(/^a.yaml:2 rules\[0\]\.who\.agent: .*only with thresholds: .*covers all agents$/),
      expect.stringMatching(/^a.yaml:2 rules\[0\]\.who\.server_name: .*covers all server names$/),
      expect.stringMatching(/^a.yaml:3 rules\[1\]\.who\.prefix: .*allowed: any, asn, list or label/),
      expect.stringMatching(/^a.yaml:4 rules\[2\]\.who\.server_name: .*allowed: a server name as shop/),
      expect.stringMatching(/^a.yaml:4 .*quantile: "p99" is not allowed; allowed: .*one of p50, p95/),
      expect.stringMatching(/^a.yaml:4 .*above: missing; allowed: a number with a unit.*from 1ms to 10m/),
    ])
  })

  it('ship one rule: any network diverges', () => {
    const parsed = parseRules(readSources(undefined, true), AROUND)
    expect(parsed).toMatchObject({
      ok: true,
      rules: [
        { id: 'any-network-diverges', who: { any: true }, what: { kind: 'divergence', minimum_evidence: 0 } },
      ],
    })
  })
})
