import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import type { Command } from './command.ts'

/** A machine of the lab: one network namespace. */
export type Host = {
  readonly name: string
  readonly namespace: string
  /** Runs a program inside and gives back its output. */
  run(program: string, args: readonly string[], input?: string): Promise<string>
  /** Starts a program inside; it is killed when the network is destroyed. */
  spawn(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess
  /** Gives the device an address in CIDR form (192.0.2.1/24, 2001:db8::1/64), usable at once. */
  addAddress(device: string, cidr: string): Promise<void>
  /** Makes every address of a prefix its own, to bind to, without naming them one by one. */
  ownPrefix(cidr: string): Promise<void>
  /** Sends what is for `to` (CIDR or `default`) to the neighbour `via`. */
  addRoute(to: string, via: string): Promise<void>
  /** Forwards packets between its devices, IPv4 and IPv6. */
  forward(): Promise<void>
  /** Sends and passes on no "packet too big": ICMP fragmentation needed (3/4) and ICMPv6 packet too big (2). */
  dropIcmp(): Promise<void>
  /** Largest packet the device sends and takes, in bytes. */
  setMtu(device: string, bytes: number): Promise<void>
}

const DROP_TOO_BIG = `
table inet halfshake_lab {
  chain forward { type filter hook forward priority 0; jump too_big; }
  chain output { type filter hook output priority 0; jump too_big; }
  chain too_big {
    icmp type destination-unreachable icmp code frag-needed counter drop
    icmpv6 type packet-too-big counter drop
  }
}`

export async function createHost(run: Command, name: string, namespace: string): Promise<Host> {
  await run('ip', ['netns', 'add', namespace])
  const ip = (...args: string[]) => run('ip', ['-n', namespace, ...args])
  const inside = (program: string, args: readonly string[], input?: string) =>
    run('ip', ['netns', 'exec', namespace, program, ...args], input)
  const sysctl = (key: string, value: string) =>
    inside('sh', ['-c', 'echo "$1" > "/proc/sys/net/$2"', 'sh', value, key])
  await ip('link', 'set', 'lo', 'up')
  // A machine without IPv6 may hand its setting down; and addresses, link-local ones too, are to work at once.
  for (const scope of ['all', 'default']) {
    await sysctl(`ipv6/conf/${scope}/disable_ipv6`, '0')
    await sysctl(`ipv6/conf/${scope}/accept_dad`, '0')
  }
  return {
    name,
    namespace,
    run: inside,
    spawn: (program, args, options = {}) =>
      spawn('ip', ['netns', 'exec', namespace, program, ...args], options),
    async addAddress(device, cidr) {
      await ip('address', 'add', cidr, 'dev', device)
    },
    async ownPrefix(cidr) {
      await sysctl(cidr.includes(':') ? 'ipv6/ip_nonlocal_bind' : 'ipv4/ip_nonlocal_bind', '1')
      await ip(cidr.includes(':') ? '-6' : '-4', 'route', 'add', 'local', cidr, 'dev', 'lo')
    },
    async addRoute(to, via) {
      await ip(via.includes(':') ? '-6' : '-4', 'route', 'add', to, 'via', via)
    },
    async forward() {
      await sysctl('ipv4/ip_forward', '1')
      await sysctl('ipv6/conf/all/forwarding', '1')
    },
    async dropIcmp() {
      await inside('nft', ['-f', '-'], DROP_TOO_BIG)
    },
    async setMtu(device, bytes) {
      await ip('link', 'set', device, 'mtu', String(bytes))
    },
  }
}
