import { expect, it } from 'vitest'
import { conclude } from '../enricher/conclude.ts'
import { type Finding, MATRIX, runMatrix } from '../lab/matrix/index.ts'

it('every fault of the matrix is concluded rightly, from IPv4 and IPv6, by Node and OpenSSL', async () => {
  const findings = await runMatrix({ scenarios: MATRIX, conclude, sideBySide: 6, onDone: () => undefined })
  expect(findings.filter(({ ok }) => !ok).map(inWords)).toEqual([])
  expect(findings.length).toBeGreaterThan(100)
}, 300_000)

it('a conclusion that is wrong is noticed', async () => {
  const scenarios = MATRIX.filter(({ name }) => name === 'clean')
  const wrong: typeof conclude = () => ({
    outcome: 'failed',
    stage: 'connected',
    cause: 'mtu_inbound',
    confidence: 'certain',
    evidence: '',
  })
  const findings = await runMatrix({ scenarios, conclude: wrong, sideBySide: 1, onDone: () => undefined })
  expect(findings.map(({ ok }) => ok)).toEqual(findings.map(() => false))
}, 60_000)

it('a scenario is made as often as it is named, side by side', async () => {
  const scanner = MATRIX.filter(({ name }) => name === 'scanner')
  const scenarios = [...scanner, ...scanner, ...scanner]
  const findings = await runMatrix({ scenarios, conclude, sideBySide: 3, onDone: () => undefined })
  // From two address families, seen by two observers.
  expect(findings).toHaveLength(3 * 2 * 2)
  expect(findings.filter(({ ok }) => !ok).map(inWords)).toEqual([])
}, 60_000)

function inWords({ scenario, observer, client, version, concluded, evidence }: Finding): string {
  return `${scenario}, ${client} over ${version}, by ${observer}: ${concluded || 'nothing seen'} (${evidence})`
}
