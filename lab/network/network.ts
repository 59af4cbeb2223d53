import type { ChildProcess } from 'node:child_process'
import { type Command, runCommand } from './command.ts'
import { createHost, type Host } from './host.ts'
import { LabError } from './lab-error.ts'
import { asOwner, namespaceName } from './names.ts'
import { removeNamespace, removeNamespaceNow } from './namespaces.ts'

export type LinkEnd = {
  host: Host
  /** Addresses of this end, CIDR form. */
  addresses: readonly string[]
}

/** A cable between two hosts. */
export type Link = {
  /** The device at either end: `to-<other host>`. */
  readonly devices: readonly [string, string]
  /** Sets the largest packet at both ends, in bytes. */
  setMtu(bytes: number): Promise<void>
}

/** Hosts and links that live only in namespaces: the machine's own network is not touched. */
export type Network = {
  addHost(name: string): Promise<Host>
  addLink(a: LinkEnd, b: LinkEnd, options?: { mtu?: number }): Promise<Link>
  /** Ends the processes inside and removes every namespace. */
  destroy(): Promise<void>
  /** The same without waiting, for a process that is about to exit. */
  destroyNow(): void
}

/** Linux names a device with at most 15 bytes, of which `to-` takes three. */
const MAX_HOST_NAME = 12
const ETHERNET_MTU = 1500

/** @throws LabError when a program is missing, a privilege is refused or iproute2 says no. */
export function createNetwork({
  pid = process.pid,
  run = runCommand,
}: {
  pid?: number
  run?: Command
} = {}): Network {
  const owner = asOwner(pid)
  const namespaces: string[] = []
  const building = new Set<Promise<unknown>>()
  const children = new Set<ChildProcess>()
  let destroyed = false
  const refuseWhenDestroyed = () => {
    if (destroyed) throw new Error('the network is destroyed')
  }
  const killChildren = () => {
    destroyed = true
    for (const child of children) child.kill('SIGKILL')
  }
  return {
    async addHost(name) {
      refuseWhenDestroyed()
      if (!/^[a-z][a-z0-9-]*$/.test(name) || name.length > MAX_HOST_NAME) {
        throw new LabError(`${name} cannot name a host`, `use at most ${MAX_HOST_NAME} of a-z, 0-9 and -`)
      }
      const namespace = namespaceName(owner, name)
      // Noted before it is made, so that one half made is removed too.
      namespaces.push(namespace)
      const host = createHost(run, name, namespace)
      building.add(host)
      return remembering(await host, children, refuseWhenDestroyed)
    },
    addLink: (a, b, { mtu = ETHERNET_MTU } = {}) => addLink(run, a, b, mtu),
    async destroy() {
      killChildren()
      await Promise.allSettled(building)
      for (const namespace of namespaces.splice(0)) await removeNamespace(run, namespace)
    },
    destroyNow() {
      killChildren()
      for (const namespace of namespaces.splice(0)) removeNamespaceNow(namespace)
    },
  }
}

async function addLink(run: Command, a: LinkEnd, b: LinkEnd, mtu: number): Promise<Link> {
  const devices = [`to-${b.host.name}`, `to-${a.host.name}`] as const
  const ends = [
    { host: a.host, device: devices[0], addresses: a.addresses },
    { host: b.host, device: devices[1], addresses: b.addresses },
  ]
  const [left, right] = [a.host.namespace, b.host.namespace]
  // Both ends are born inside their namespaces: the machine's own never sees them.
  const peer = ['peer', 'name', devices[1], 'netns', right]
  await run('ip', ['link', 'add', devices[0], 'netns', left, 'type', 'veth', ...peer])
  for (const { host, device, addresses } of ends) {
    // One segment a packet, as on a wire: a bundle of segments (TSO) larger than a hop would be lost whole,
    // where a real path loses the large head and lets the small tail through.
    await run('ip', ['-n', host.namespace, 'link', 'set', device, 'gso_max_segs', '1'])
    await host.setMtu(device, mtu)
    await run('ip', ['-n', host.namespace, 'link', 'set', device, 'up'])
    for (const cidr of addresses) await host.addAddress(device, cidr)
  }
  return {
    devices,
    async setMtu(bytes) {
      for (const { host, device } of ends) await host.setMtu(device, bytes)
    },
  }
}

function remembering(host: Host, children: Set<ChildProcess>, mayStart: () => void): Host {
  return {
    ...host,
    spawn(program, args, options) {
      mayStart()
      const child = host.spawn(program, args, options)
      children.add(child)
      child.once('exit', () => children.delete(child))
      return child
    },
  }
}
