import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createMinuteReader } from './read-minutes.ts'

const MINUTE = 1_790_000_040
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

describe('the counts that the detector reads', () => {
  it('are clients and handshakes by minute, network, stratum and prefix, with the client that fails most', async () => {
    const at = (seconds: number) => (MINUTE + seconds) * 1000
    const failed = { outcome: 'failed', stage: 'hello', cause: 'reset_after_hello' } as const
    const other = { prefix: '203.0.113.0/24' }
    await store.write([
      encodeHandshakes([
        handshakeRow({ decided_at: at(0), client: 1n }),
        handshakeRow({ decided_at: at(1), client: 1n }),
        handshakeRow({ decided_at: at(2), client: 2n, ...failed }),
        handshakeRow({ decided_at: at(3), client: 2n, ...failed }),
        handshakeRow({ decided_at: at(4), client: 18_446_744_073_709_551_615n, ...failed, ...other }),
        handshakeRow({
          decided_at: at(5),
          client: 9n,
          outcome: 'noise',
          stage: 'connected',
          cause: 'silent',
        }),
        handshakeRow({ decided_at: at(60), client: 1n, site: 'ams', ip_version: 6 }),
        handshakeRow({ decided_at: at(120), client: 1n }),
      ]),
    ])
    const read = createMinuteReader(store)
    const stream = { minute: MINUTE, asn: 64_500, label: '', site: 'fra', ip_version: 4 }
    const later = {
      minute: MINUTE + 60,
      site: 'ams',
      ip_version: 6,
      completed: 1,
      failed: 0,
      clients: 1,
      failed_clients: 0,
      worst_client: '',
      worst_client_failed: 0,
    }
    expect(await read(MINUTE, MINUTE + 120)).toEqual([
      {
        ...stream,
        prefix: '',
        completed: 2,
        failed: 3,
        clients: 3,
        failed_clients: 2,
        worst_client: '2',
        worst_client_failed: 2,
      },
      {
        ...stream,
        prefix: '192.0.2.0/24',
        completed: 2,
        failed: 2,
        clients: 2,
        failed_clients: 1,
        worst_client: '2',
        worst_client_failed: 2,
      },
      {
        ...stream,
        ...other,
        completed: 0,
        failed: 1,
        clients: 1,
        failed_clients: 1,
        worst_client: '18446744073709551615',
        worst_client_failed: 1,
      },
      { ...stream, ...later, prefix: '' },
      { ...stream, ...later, prefix: '192.0.2.0/24' },
    ])
    expect(await read(MINUTE + 600, MINUTE + 1_200)).toEqual([])
  })
})
