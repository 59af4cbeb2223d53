import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A stretch of network between two processes that can be cut, as a switch that dies cuts it: without a word to either side. */
export type Line = {
  port: number
  /**
   * Cuts at the next insert into the raw table: its request still gets through, its answer and all else does not.
   * After `ms` every connection is reset and new ones work. Resolves when that is over.
   */
  cutAtInsert(ms: number): Promise<void>
  close(): Promise<void>
}

const INSERT = 'INSERT+INTO+handshakes'

export async function createLine(target: { host: string; port: number }): Promise<Line> {
  const pairs = new Set<{ near: Socket; far: Socket }>()
  let cut = false
  let armed: (() => void) | undefined

  const server = createServer({ allowHalfOpen: false }, (near) => {
    const far = connect(target)
    const pair = { near, far }
    pairs.add(pair)
    const end = () => {
      near.destroy()
      far.destroy()
      pairs.delete(pair)
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
    near.on('data', (chunk: Buffer) => {
      const insert = armed !== undefined && chunk.toString('latin1').includes(INSERT)
      // What was asked for gets there; what is answered does not come back.
      if (!cut) far.write(chunk)
      if (insert) armed?.()
    })
    far.on('data', (chunk: Buffer) => {
      if (!cut) near.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')

  return {
    port: address.port,
    async cutAtInsert(ms) {
      await new Promise<void>((resolve) => {
        armed = resolve
      })
      armed = undefined
      // The body of the request follows its head: let it through before the line goes dead.
      await new Promise((resolve) => setTimeout(resolve, 20))
      cut = true
      await new Promise((resolve) => setTimeout(resolve, ms))
      for (const { near, far } of pairs) {
        near.resetAndDestroy()
        far.resetAndDestroy()
      }
      cut = false
    },
    async close() {
      for (const { near, far } of pairs) {
        near.destroy()
        far.destroy()
      }
      server.close()
      await once(server, 'close')
    },
  }
}
