/** Reads a capture to its end and prints how many handshakes it held: the program that bench/capture measures. */
import { createReadStream } from 'node:fs'
import { createFlows, readCapture } from '../../agent/capture/index.ts'

let decided = 0
const flows = createFlows({
  ports: [443],
  handshakeTimeout: 10_000,
  maxFlows: 100_000,
  site: undefined,
  nextId: () => `c.${decided}`,
})
for await (const _ of readCapture(createReadStream(process.argv[2] ?? '', { highWaterMark: 1 << 20 }), flows))
  decided += 1
console.log(JSON.stringify(flows.counts))
