import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { alertOf } from '../alerts/testing/builders.ts'
import { silent } from '../core/store/testing.ts'
import { answer } from './routes/backtest-answer.ts'

/** More than the system keeps for a connection that nobody reads. */
const ALERTS = Array.from({ length: 10_000 }, () => alertOf({ explanation: 'x'.repeat(4_000) }))

test('a client that does not read the result of a backtest does not keep others from theirs', async () => {
  const tested = { from: 0, to: 60, single_from: undefined, rules: [], alerts: ALERTS }
  const app = express()
  const ended = new Promise<void>((resolve, reject) => {
    app.get('/', (_request, response) => {
      answer(response, async () => tested, { log: silent, slowMs: 100 }).then(resolve, reject)
    })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  client.on('error', () => undefined)
  client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n')
  await ended
  expect(client.readyState).toBe('open')
  client.destroy()
  server.close()
})
