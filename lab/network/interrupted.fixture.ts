/** A program that builds a network, starts a process in it, says so, and waits to be ended from outside. */
import { withNetwork } from './index.ts'

try {
  await withNetwork(async (network) => {
    const host = await network.addHost('held')
    const child = host.spawn('sleep', ['600'], { stdio: 'ignore' })
    console.log(JSON.stringify({ namespace: host.namespace, child: child.pid }))
    await new Promise(() => setInterval(() => {}, 1000))
  })
} catch (error) {
  console.log(JSON.stringify({ ended: String(error) }))
}
process.exit(7)
