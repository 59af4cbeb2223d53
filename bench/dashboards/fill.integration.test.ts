import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EmbeddedStore } from '../../core/store/embedded.ts'
import { countEverywhere, storeAt, temporaryFolder } from '../../core/store/testing.ts'
import { readDashboards } from '../../dashboards/testing/model.ts'
import { fill } from './fill.ts'
import { exampleNetworks, handshakesSql } from './fleet.ts'
import { looksAt, queriesAt } from './looks.ts'

const NETWORKS = 80
const DAYS = 5
const NOW = 1_790_000_000 - (1_790_000_000 % 3_600)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: EmbeddedStore

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
  await fill(store, { networks: NETWORKS, days: DAYS, now: NOW })
}, 240_000)
afterAll(async () => {
  await store.stop()
  await folder.remove()
})

describe('the fleet of the dashboards bench', () => {
  it('is the same in all rollups, for three days by minute and for all days by hour', async () => {
    const counts = await countEverywhere(store)
    expect(counts['minutes_by_network']).toBeGreaterThan(NETWORKS * 1_440)
    expect(counts['minutes_by_prefix']).toBe(counts['minutes_by_network'])
    const byHour = counts['hours_by_network'] ?? 0
    expect(byHour).toBeGreaterThan((counts['minutes_by_network'] ?? 0) * 1.5)
    expect([counts['hours_by_prefix'], counts['networks_by_hour'], counts['minutes_by_site']]).toEqual([
      byHour,
      byHour,
      byHour,
    ])
    const [{ days } = { days: 0 }] = await store.query<{ days: number }>(
      'SELECT uniqExact(toStartOfHour(hour)) / 24 AS days FROM hours_by_network',
    )
    expect(days).toBe(DAYS)
  })

  it('is made of hashes: an hour is the same whenever it is made', async () => {
    const [from, to] = [NOW - 7_200, NOW - 3_600]
    const made = `SELECT sum(cityHash64(minute, asn, client, outcome, times)) AS hash, sum(times) AS n FROM (
      SELECT toStartOfMinute(decided_at) AS minute, asn, client, outcome, count() AS times
      FROM (${handshakesSql({ networks: NETWORKS, from, to, now: NOW })}) GROUP BY ALL)`
    const [once] = await store.query<{ n: number }>(made)
    expect(await store.query(made)).toEqual([once])
    expect(
      await store.query(`SELECT sum(handshakes) AS n FROM hours_by_network WHERE hour = toDateTime(${from})`),
    ).toEqual([{ n: once?.n }])
  })

  it('answers every query of every look at every dashboard', async () => {
    const { big, small } = exampleNetworks(NETWORKS)
    expect(big).not.toBe(small)
    for (const { name, dashboard } of readDashboards()) {
      for (const look of looksAt(dashboard, { big, small })) {
        for (const { where, sql } of queriesAt(dashboard, look, NOW * 1_000)) {
          const rows = await store.query(sql).catch((error: Error) => error.message)
          expect([name, look.name, where, Array.isArray(rows) ? '' : rows]).toEqual([
            name,
            look.name,
            where,
            '',
          ])
        }
      }
    }
  })
})
