import { setImmediate as tick } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import type { Connection } from '../ledger/connection.ts'
import { createOnce } from '../log.ts'
import { createKernelLooks } from './looks.ts'
import { type Endpoints, NoSsError } from './ss.ts'

let calls: Endpoints[][]
let answer: () => Promise<string>
let said: string[]
beforeEach(() => {
  calls = []
  said = []
  answer = async () => ''
})

const connection = (since: number, port = 40_000): Connection => ({
  socket: {} as Connection['socket'],
  ...{ id: 'x', openedAt: 0, since, sourceAddress: '192.0.2.1', sourcePort: port },
  ...{ destinationAddress: '192.0.2.2', destinationPort: 443, tcp: undefined, looks: 0 },
  ...{ gone: false, overdue: false },
})

function createLooks(handshakeTimeout = 10_000) {
  const say = (_fields: object, message: string) => void said.push(message)
  return createKernelLooks({
    handshakeTimeout,
    run: (connections) => {
      calls.push([...connections])
      return answer()
    },
    log: { debug: say, info: say, warn: say, error: say },
    once: createOnce(),
  })
}

/** Goes a round at this moment, as the ledger's rounds do; returns whether the connection should be kept waiting. */
async function round(looks: ReturnType<typeof createLooks>, now: number, ...connections: Connection[]) {
  const waits = connections.map((one) => looks.visit(one, now - one.since, 10_000))
  looks.start(now)
  await tick()
  return waits.map((wait) => wait < Number.POSITIVE_INFINITY)
}

test('a stalled handshake is looked at after 1 s, after 3 s and right before its deadline', async () => {
  const looks = createLooks()
  const stalled = connection(0)
  for (let now = 0; now < 10_000; now += 250) await round(looks, now, stalled)
  expect(calls).toHaveLength(3)
  expect(looks.counts).toEqual({ looks: 3, failed: 0 })
})

test('all that stall are looked at in one call, and calls keep their distance', async () => {
  const looks = createLooks()
  const [first, second, third] = [connection(0, 1), connection(10, 2), connection(200, 3)]
  await round(looks, 1100, first, second)
  await round(looks, 1250, first, second, third)
  expect(calls.map((call) => call.length)).toEqual([2])
  await round(looks, 1700, first, second, third)
  expect(calls.map((call) => call.length)).toEqual([2, 1])
})

test('nothing is called while one call is under way, and a deadline waits for it, but not for ever', async () => {
  const looks = createLooks()
  answer = () => new Promise(() => undefined)
  const [first, second] = [connection(0, 1), connection(0, 2)]
  await round(looks, 9300, first)
  expect(calls).toHaveLength(1)
  expect(await round(looks, 10_001, first, second)).toEqual([true, true])
  expect(calls).toHaveLength(1)
  expect(await round(looks, 10_800, first, second)).toEqual([false, false])
})

test('the reading is put on the connection it belongs to, an earlier one stays when there is none', async () => {
  const looks = createLooks()
  const [first, second] = [connection(0, 1), connection(0, 2)]
  answer = async () => 'ESTAB 0 0 192.0.2.2:443 192.0.2.1:1 cubic rtt:1/1 data_segs_in:1 rcv_ooopack:1'
  await round(looks, 1000, first, second)
  expect(first.tcp).toMatchObject({ tcp_segs_in: 1, tcp_ooo: 1 })
  expect(second.tcp).toBeUndefined()
  answer = async () => ''
  await round(looks, 3000, first)
  expect(first.tcp).toMatchObject({ tcp_ooo: 1 })
})

test('without ss the handshakes are decided without it, which is said once', async () => {
  const looks = createLooks()
  answer = () => Promise.reject(new NoSsError('ss (iproute2) is not installed'))
  await round(looks, 1000, connection(0))
  expect(await round(looks, 4000, connection(0), connection(0))).toEqual([false, false])
  expect(calls).toHaveLength(1)
  expect(said).toHaveLength(1)
})

test('an ss that fails once is tried again', async () => {
  const looks = createLooks()
  answer = () => Promise.reject(new Error('EAGAIN'))
  await round(looks, 1000, connection(0))
  await round(looks, 2000, connection(0))
  expect(calls).toHaveLength(2)
  expect(said).toHaveLength(1)
})

test('a deadline shorter than a second still has its last look', () => {
  expect(createLooks(400).firstAge).toBe(300)
})
