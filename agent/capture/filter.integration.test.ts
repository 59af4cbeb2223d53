import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { captureFilter } from './filter.ts'
import { createFlows } from './flows.ts'
import { createPacketReader } from './pcap.ts'
import { converse, pcapOf, type Said, segmentsOf } from './testing.ts'

const RESPONSE = Buffer.from(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(2_000)}`)

describe('the filter, as tcpdump reads it', () => {
  it('lets a handshake through, and not its bulk', async () => {
    const download = { by: 'server' as const, bytes: Buffer.alloc(200_000, 'x') }
    const { packets, events } = filtered([...(await converse()), download])
    expect(events).toMatchObject([{ state: 'active' }])
    expect(packets).toBeLessThan(20)
  })

  it('lets an answer of plain HTTP through', async () => {
    const [hello] = (await converse()) as [Said]
    const { packets, events } = filtered([hello, { by: 'server', bytes: RESPONSE }])
    expect(events).toMatchObject([{ error: 'server_not_tls' }])
    expect(packets).toBeLessThan(10)
  })
})

function filtered(said: readonly Said[]) {
  const filter = captureFilter([443], { vlan: false })
  const { stdout, stderr } = spawnSync('tcpdump', ['-r', '-', '-w', '-', filter], {
    input: pcapOf(segmentsOf(said)),
  })
  if (stdout.length === 0) throw new Error(`tcpdump: ${stderr}`)
  const packets = createPacketReader().push(stdout)
  const flows = createFlows({
    ...{ ports: [443], handshakeTimeout: 10_000, filtered: true, maxFlows: 10, site: undefined },
    nextId: () => 'c.1',
  })
  const decided = [...packets.flatMap((packet) => flows.push(packet)), ...flows.end()]
  return { packets: packets.length, events: decided.map(({ event }) => event) }
}
