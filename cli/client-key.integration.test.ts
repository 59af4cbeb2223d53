import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { parseConfig } from '../core/runtime/config.ts'
import { silent, temporaryFolder } from '../core/store/testing.ts'
import { ensureAsnDatabase } from '../enricher/asn-database.ts'
import { createEnrichment } from './enrichment.ts'

it('one key is made for all enrichers that start on one folder at the same moment', async () => {
  const folder = await temporaryFolder()
  await ensureAsnDatabase({ dataFolder: folder.path })
  const env = {
    HALFSHAKE_DATA_FOLDER: folder.path,
    HALFSHAKE_ENRICHER_ASN_DATABASE: join(folder.path, 'asn.mmdb'),
  }
  const parsed = parseConfig({ env })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.mistakes))
  const enrichments = Array.from({ length: 8 }, () =>
    createEnrichment({
      config: parsed.config,
      registry: new Registry(),
      log: silent,
      onAsnProgress: () => undefined,
    }),
  )
  await Promise.all(enrichments.map((enrichment) => enrichment.start()))
  const [event] = [{ line: 1, event: EVENT }]
  const batch = {
    agent: 'a',
    epoch: 1,
    sequence: 1,
    received_at: 0,
    bus_partition: 0,
    bus_offset: 0,
    opened: 0,
  }
  const rows = enrichments.flatMap(({ enrich }) => enrich({ ...batch, events: [event], refused: [] }))
  expect(new Set(rows.map(({ client }) => client)).size).toBe(1)
  expect(await readFile(join(folder.path, 'client.key'))).toHaveLength(32)
  for (const enrichment of enrichments) await enrichment.stop()
  await folder.remove()
})

const EVENT = {
  v: 1,
  id: 'x',
  state: 'active',
  opened_at: 1_790_000_000_000,
  decided_at: 1_790_000_000_050,
  source_address: '8.8.8.8',
  source_port: 40_000,
  destination_address: '198.51.100.1',
  destination_port: 443,
  bytes_in: 517,
  bytes_out: 4_000,
} as const
