import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddedStore } from './embedded.ts'
import type { Block } from './store.ts'
import { encodeHandshakes } from './tables.ts'
import { countEverywhere, everywhere, handshakeRow, storeAt, temporaryFolder } from './testing.ts'

const AT = Date.now()
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: EmbeddedStore

beforeEach(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
})
afterEach(async () => {
  await store.stop()
  await folder.remove()
})

describe("a block under the caller's token", () => {
  it('is stored once, however often it is written, also after a restart', async () => {
    for (let i = 0; i < 2; i += 1) await store.write(blockOf(20), { token: "p'1\\:0-19" })
    await store.stop()
    store = storeAt(folder.path)
    await store.start()
    await store.write(blockOf(20), { token: "p'1\\:0-19" })
    await store.write(blockOf(20), { token: 'other' })
    expect(await countEverywhere(store)).toEqual(everywhere(40))
  })

  it('leaves nothing in the journal, whether it is stored or not', async () => {
    await store.write(blockOf(5), { token: 'a' })
    await store.command('RENAME TABLE handshakes TO aside')
    await expect(store.write(blockOf(5), { token: 'b' })).rejects.toMatchObject({ name: 'StoreRefused' })
    await store.command('RENAME TABLE aside TO handshakes')
    expect(await readdir(join(folder.path, 'journal'))).toEqual([])
    await store.write(blockOf(5), { token: 'b' })
    expect(await countEverywhere(store)).toMatchObject({ handshakes: 10 })
  })
})

describe('the embedded engine', () => {
  it('takes no configuration that lies where the process was started', async () => {
    // The engine would look for config.xml in the working directory if it were not given one.
    const given = await readdir(join(folder.path, 'engine'))
    expect(given.sort()).toEqual(['config.xml', 'users.xml'])
    const session = await store.engine().session('reader')
    await expect(session.queryAsync('SHOW USERS')).rejects.toThrow('ACCESS_DENIED')
    session.close()
  })
})

function blockOf(rows: number): Block {
  return [
    encodeHandshakes(
      Array.from({ length: rows }, (_, i) =>
        handshakeRow({ id: `c-${i}`, decided_at: AT, client: BigInt(i) }),
      ),
    ),
  ]
}
