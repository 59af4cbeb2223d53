/**
 * What the engine alone takes for the same rows: the journal's files of a run, inserted again under new tokens into
 * a store of its own, raw table and every rollup. Run in a process of its own by run.ts; prints JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '../../core/runtime/log.ts'
import { createEmbeddedStore } from '../../core/store/embedded.ts'
import { encodeHandshakes } from '../../core/store/tables.ts'
import { handshakeRow } from '../../core/store/testing.ts'
import { memory } from '../process-usage.ts'

const BLOCKS = 10
const ROWS = 50_000

const folder = await mkdtemp(join(tmpdir(), 'halfshake-bench-'))
const store = createEmbeddedStore({
  folder,
  retention: { raw: 14 * 86_400_000, minutes: 30 * 86_400_000, hours: 400 * 86_400_000 },
  fsync: false,
  readers: 1,
  log: createLogger({ level: 'silent' }),
})
await store.start()
const now = Date.now()
const rows = Array.from({ length: ROWS }, (_, i) => {
  const client = Math.floor(20_000 ** ((i * 0.618_033_988_75) % 1)) - 1
  return handshakeRow({
    id: `block-${i}`,
    client: BigInt(client),
    asn: 1 + (client % 4_000),
    prefix: `10.${client >> 8}.${client & 255}.0/24`,
    decided_at: now - (i % 1_000),
    site: `site-${i % 4}`,
    ...(i % 20 === 0
      ? { outcome: 'failed', stage: 'connected', cause: 'mtu_inbound', ended_by: 'timeout' }
      : {}),
  })
})
const block = [encodeHandshakes(rows)]
await store.write(block)
const before = process.cpuUsage()
for (let i = 0; i < BLOCKS; i += 1) await store.write(block)
const { user, system } = process.cpuUsage(before)
console.log(
  JSON.stringify({ events: BLOCKS * ROWS, cpu: (user + system) / 1e6, peak: memory(process.pid).peak }),
)
await store.stop()
await rm(folder, { recursive: true, force: true })
