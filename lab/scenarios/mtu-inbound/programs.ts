import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Host } from '../../network/index.ts'
import { nodeProgram } from '../../node-program.ts'
import type { ClientMessage, ClientOrders, ServerMessage, ServerOrders } from './messages.ts'

/** A program of the lab in a namespace. */
export type Program = {
  child: ChildProcess
  /** Rejects, with what it wrote, when the program ends. */
  failed: Promise<never>
}

const KEPT = 4000
const STOP_MS = 5000

/** Starts the server with its agent; resolves when it listens. @throws with what it wrote when it does not. */
export async function startServer(host: Host, orders: ServerOrders): Promise<Program> {
  const program = start(host, './server', orders)
  const listening = new Promise<void>((resolve) => {
    program.child.on('message', (message: ServerMessage) => {
      if (message.kind === 'listening') resolve()
    })
  })
  await Promise.race([listening, program.failed])
  return program
}

/** Lets the agent deliver what it still has. Resolves after five seconds at most, never rejects. */
export async function stopServer({ child, failed }: Program): Promise<void> {
  if (!child.connected) return
  // Killed meanwhile it cannot be told, and need not be.
  child.send('stop', () => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STOP_MS)
  })
  await Promise.race([failed.catch(() => {}), late])
  clearTimeout(timer)
}

/** Starts the clients of a network; `onVisit` hears of every handshake they tried. */
export function startClients(
  host: Host,
  orders: ClientOrders,
  onVisit: (visit: ClientMessage) => void,
): Program {
  const program = start(host, './clients', orders)
  program.child.on('message', onVisit)
  return program
}

function start(host: Host, name: string, orders: ServerOrders | ClientOrders): Program {
  const args = [...nodeProgram(import.meta.url, name), JSON.stringify(orders)]
  const child = host.spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let written = ''
  child.stderr?.on('data', (chunk) => {
    written = (written + String(chunk)).slice(-KEPT)
  })
  const failed = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name.slice(2)} in ${host.namespace} ended (${signal ?? code}): ${written.trim()}`)
  })
  // Whoever waits for it sees it; when nobody does any more, it is the end that was wanted.
  failed.catch(() => {})
  return { child, failed }
}
