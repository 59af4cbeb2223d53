import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { NO_FACTS } from './facts.ts'
import { messageOf } from './message.ts'
import { createPagerDutyReceiver } from './receivers/pagerduty.ts'
import { post } from './receivers/post.ts'
import { alertOf } from './testing/builders.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function portOf(server: Server): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Answers as many web servers do: with what it was asked for. */
function repeating(): Promise<number> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    response.writeHead(404, { connection: 'close' })
    response.end(`Cannot POST ${request.url} with ${Buffer.concat(chunks).toString()}`)
  })
  return portOf(server)
}

describe('the answer that is kept of a receiver', () => {
  it('has nothing of an address that the receiver repeats', async () => {
    const url = `http://127.0.0.1:${await repeating()}/services/T0000001/s%65cretpart?token=hidden-one`
    const { result, answer } = await post(url, '"T0000001 and secretpart and hidden-one"')
    expect(result).toBe('refused')
    expect(answer).toBe('404 Cannot POST … with "… and … and …"')
  })

  it('has nothing of an address that cannot be asked', async () => {
    const { answer } = await post('http://someone:password@127.0.0.1:9/services/T0000001', '{}')
    expect(answer).not.toMatch(/someone|password|T0000001/)
  })

  it('has no routing key that PagerDuty, or what stands before it, repeats', async () => {
    const url = `http://127.0.0.1:${await repeating()}/`
    const receiver = createPagerDutyReceiver({ name: 'pager', url, routingKey: 'routing-key-of-ours' })
    const about = { id: 'key', receiver: 'pager', group_key: 'g', repeated: false, created_at: 0 } as const
    const told = [{ alert: alertOf(), facts: NO_FACTS, incident: undefined }]
    const places = { publicUrl: undefined, dashboards: undefined }
    const { answer } = await receiver.send(
      messageOf({ ...about, status: 'firing' }, { told, rule: undefined, places }),
    )
    expect(answer).toMatch(/^404 Cannot POST .*"routing_key":"…"/)
  })
})
