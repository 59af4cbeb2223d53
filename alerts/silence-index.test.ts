import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Matchers } from './silence.ts'
import { openMatchers } from './silence.ts'
import { createSilenceIndex } from './silence-index.ts'
import { alertOf, silenceOf } from './testing/builders.ts'

const some = <Value>(...values: Value[]) => fc.subarray(values)
const matchers: fc.Arbitrary<Matchers> = fc.record({
  rules: some('rule', 'other'),
  severities: some('warning', 'critical'),
  asns: some(64_500, 64_501),
  labels: some('office', 'shop'),
  prefixes: some('192.0.2.0/24', '192.0.0.0/16', '2001:db8::/32', '0.0.0.0/0'),
  sites: some('fra', 'ams'),
})
const about = fc
  .record({
    rule: fc.constantFrom('rule', 'third'),
    severity: fc.constantFrom('warning' as const, 'info' as const),
    asn: fc.constantFrom(64_500, 0),
    label: fc.constantFrom('', 'office'),
    prefix: fc.constantFrom('', '192.0.2.0/24', '192.0.3.128/25', '2001:db8:7::/48', '2001:db9::/48'),
    site: fc.constantFrom('', 'fra'),
  })
  .map(alertOf)

describe('the index of silences', () => {
  it('finds those that each of them, asked on its own, says it is, once', () => {
    fc.assert(
      fc.property(fc.array(matchers, { maxLength: 12 }), about, (given, alert) => {
        const silences = given.map((one, i) => silenceOf({ id: String(i), ...one }))
        const found = createSilenceIndex(silences)(alert).map(({ id }) => id)
        const asked = silences.filter((silence) => openMatchers(silence)(alert)).map(({ id }) => id)
        expect(found.sort()).toEqual(asked.sort())
      }),
      { numRuns: 1_000 },
    )
  })
})
