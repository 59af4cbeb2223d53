/** Stands in for ingest: takes every batch at once and answers 202, in a process of its own. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from './protocol.ts'

const sink = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.statusCode = 202
    response.end('{"accepted":0,"rejected":0,"duplicate":0,"errors":[]}')
  })
})
sink.listen(0, '127.0.0.1', () => {
  // An address of a listening TCP server is never a string.
  serve((sink.address() as AddressInfo).port, async () => 'done')
})
