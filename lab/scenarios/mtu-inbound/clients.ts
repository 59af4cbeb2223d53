/** Runs in a namespace of clients: visits the server from many addresses, with Node and with OpenSSL. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CLIENT_PROGRAMS, handshake } from './handshake.ts'
import { protocolsFor, type Size } from './hello.ts'
import { type ClientOrders, orders, tell } from './messages.ts'

/** As many clients in each of the two prefixes. */
const CLIENTS = 60
const LARGE_SHARE = 0.6
const IPV6_SHARE = 0.3
const RETRY_AFTER_MS = 1000

const { targets, port, serverName, ca, prefixes, visitsPerSecond, patience } = orders<ClientOrders>()
const trusted = { file: ca, pem: readFileSync(ca, 'utf8') }

/** One client comes, and comes once more when it fails. */
async function visit(): Promise<void> {
  const version = Math.random() < IPV6_SHARE ? 'ipv6' : 'ipv4'
  const size: Size = Math.random() < LARGE_SHARE ? 'large' : 'small'
  const program = CLIENT_PROGRAMS[Math.random() < 0.5 ? 0 : 1]
  const attempt = {
    from: addressIn(prefixes[version], 1 + Math.floor(Math.random() * CLIENTS)),
    to: targets[version],
    port,
    serverName,
    ca: trusted,
    protocols: protocolsFor(size),
    patience,
  }
  for (const isRetry of [false, true]) {
    if (isRetry) await sleep(RETRY_AFTER_MS)
    const ok = await handshake(program, attempt)
    tell({ kind: 'visit', program, size, ok })
    if (ok) return
  }
}

/** The address with this number in a /24 or a /48. */
function addressIn(prefix: string, number: number): string {
  const [network = ''] = prefix.split('/')
  return network.includes(':') ? `${network}${number.toString(16)}` : network.replace(/\d+$/, String(number))
}

process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
// Visits overlap: those that wait for an answer hold up nobody.
setInterval(() => void visit(), 1000 / visitsPerSecond)
