import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server } from 'node:net'

/**
 * A unix socket leads out of a network namespace where no route does: the agent inside reaches the ingest outside
 * without an address, a route or a firewall rule of this machine being touched.
 */

/** Outside: passes what comes by the unix socket on to the ingest. */
export async function relayToIngest(path: string, ingestUrl: string): Promise<Server> {
  const { protocol, hostname, port } = new URL(ingestUrl)
  if (protocol !== 'http:')
    throw new Error(`the lab reaches an ingest on this machine only, by http: ${ingestUrl}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  const server = relay({ host, port: Number(port || 80) }).listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return server
}

/** Inside: a port on the namespace's own loopback that leads to the unix socket. Returns its URL. */
export async function relayFromNamespace(path: string): Promise<string> {
  const server = relay({ path }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on a port has an address with it.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function relay(to: NetConnectOpts): Server {
  return createServer((incoming) => {
    const outgoing = connect(to)
    incoming.pipe(outgoing).pipe(incoming)
    incoming.on('error', () => outgoing.destroy()).on('close', () => outgoing.destroy())
    outgoing.on('error', () => incoming.destroy()).on('close', () => incoming.destroy())
  })
}
