/** Runs in the server's namespace: captures what comes by, and sends what becomes of each handshake to the ingest there. */
import { startCapture } from '../../agent/capture/index.ts'
import { type CaptureOrders, orders, tell } from './messages.ts'

const { device, port, ingest, handshakeTimeout } = orders<CaptureOrders>()

const capture = startCapture({
  interface: device,
  ports: [port],
  report: { url: ingest, agent: 'capture', site: 'lab' },
  handshakeTimeout,
  maxFlows: 10_000,
  onMessage: (text) => process.stderr.write(`${text}\n`),
})
await capture.started
tell({ kind: 'listening' })

process.on('message', (message) => {
  if (message !== 'stop') return
  void capture.close().then(() => {
    tell({ kind: 'stopped' })
    process.disconnect()
    process.exit()
  })
})
// The lab is gone, or Ctrl-C is its business.
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
