/**
 * A program with an observed server, for tests that end it: `program.ts OPTIONS_JSON KEY_FILE CERT_FILE [FEATURE…]`.
 * Tells its port on stdout, and a line for each thing that happens to it.
 */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { observe } from '../index.ts'

const [, , options = '{}', key = '', cert = '', ...features] = process.argv
const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
  socket.on('error', () => undefined)
  socket.end('hello')
  if (features.includes('one-connection')) server.close()
})
const say = (text: string) => process.stdout.write(`${text}\n`)

if (features.includes('own-sigterm-once')) process.once('SIGTERM', () => say('the application was told'))
observe(server, JSON.parse(options))
if (features.includes('own-sigterm')) {
  process.on('SIGTERM', () => {
    say('the application was told')
    setTimeout(() => process.exit(7), 1000)
  })
}
if (features.includes('second-server')) observe(createServer(), JSON.parse(options))
if (features.includes('many-servers'))
  for (let i = 0; i < 20; i += 1) observe(createServer(), JSON.parse(options))
process.on('message', () => process.exit(5))

server.listen(0, '127.0.0.1', () => {
  // An address of a listening TCP server is never a string.
  say(`port ${(server.address() as AddressInfo).port}`)
})
