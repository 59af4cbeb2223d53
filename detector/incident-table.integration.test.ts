import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from './change-table.ts'
import type { Incident } from './incident.ts'
import { createIncidentTable } from './incident-table.ts'

const INCIDENT: Incident = {
  id: 'as64500-1',
  scope: 'network',
  kind: 'divergence',
  asn: 64_500,
  label: "O'Brien's office",
  prefix: '',
  site: '',
  state: 'open',
  onset: 1_790_000_040,
  opened_at: 1_790_000_160,
  closed_at: 0,
  reopened: 0,
  expected_rate: 0.006,
  failure_rate: 0.41,
  failed: 43,
  decided: 105.5,
  clients: 60,
  failing_clients: 37,
  prefixes: ['192.0.2.0/24', '2001:db8::/48'],
  members: [],
  evidence: 5.3e6,
  odds: 'once in 10 years',
  world_excess: 0,
  cause: 'mtu_inbound',
  cause_share: 0.92,
  dimension: '',
  explanation: 'AS64500: 41 %',
  version: 1,
  updated_at: 1_790_000_160,
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: ReturnType<typeof storeAt>

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
})
afterAll(async () => {
  await store.stop()
  await folder.remove()
})

describe('the table of incidents', () => {
  it('gives back the last state of what is open or recent, as it was written', async () => {
    const table = createIncidentTable(store, createChangeTable(store))
    const closed: Incident = { ...INCIDENT, version: 2, state: 'closed', closed_at: INCIDENT.onset + 3_600 }
    const old: Incident = { ...closed, id: 'old', onset: INCIDENT.onset - 86_400 }
    const open: Incident = { ...INCIDENT, id: 'open for long', onset: INCIDENT.onset - 86_400 }
    await table.write([closed, old, open])
    await table.write([INCIDENT])
    expect(await table.read(INCIDENT.onset - 60)).toEqual([open, closed])
  })
})
