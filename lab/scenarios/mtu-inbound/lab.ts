import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Network } from '../../network/index.ts'
import { createCertificate } from './certificate.ts'
import type { ClientMessage } from './messages.ts'
import { startClients, startServer, stopServer } from './programs.ts'
import { relayToIngest } from './relay.ts'
import { buildTopology, type ClientNetwork } from './topology.ts'

/** Which of the two networks: the one that is left alone, or the one behind the narrow hop. */
export type Part = 'healthy' | 'broken'
export const PARTS = ['broken', 'healthy'] as const

export type Lab = {
  breakPath(): Promise<void>
  /** Rejects when one of its programs ends by itself. */
  failed: Promise<never>
  /** Ends the relay and the agent, which delivers what it has; the namespaces are the network's. */
  stop(): Promise<void>
}

const SERVER_NAME = 'lab.halfshake.test'
const PORT = 443

/** Builds the namespaces, starts the server with its agent, and the clients. */
export async function startLab({
  network,
  clients,
  ingest,
  handshakeTimeout,
  visitsPerSecond,
  onVisit,
}: {
  network: Network
  clients: Record<Part, ClientNetwork>
  ingest: { url: string; token: string | undefined }
  /** The server's deadline for a handshake, ms. */
  handshakeTimeout: number
  /** By each network. */
  visitsPerSecond: number
  onVisit: (part: Part, visit: ClientMessage) => void
}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'halfshake-lab-'))
  const relayPath = join(folder, 'ingest.sock')
  const relay = await relayToIngest(relayPath, ingest.url)
  const dismantle = async () => {
    relay.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const topology = await buildTopology(network, clients)
    const { key, cert } = await createCertificate(folder, SERVER_NAME)
    const server = await startServer(topology.server, {
      key,
      cert,
      port: PORT,
      relay: relayPath,
      ...(ingest.token === undefined ? {} : { token: ingest.token }),
      handshakeTimeout,
    })
    const visitors = PARTS.map((part) => {
      const orders = {
        targets: topology.serverAddresses,
        port: PORT,
        serverName: SERVER_NAME,
        ca: cert,
        prefixes: clients[part],
        visitsPerSecond,
        patience: 2 * handshakeTimeout,
      }
      return startClients(topology[part], orders, (visit) => onVisit(part, visit))
    })
    const failed = Promise.race([server, ...visitors].map((program) => program.failed))
    failed.catch(() => {})
    return {
      breakPath: topology.breakPath,
      failed,
      async stop() {
        try {
          await stopServer(server)
        } finally {
          await dismantle()
        }
      },
    }
  } catch (error) {
    await dismantle()
    throw error
  }
}
