import { readFile } from 'node:fs/promises'
import { type Address, maskBytes } from './address.ts'
import { type NamedNetwork, type NetworksMistake, parseNetworks } from './networks-file.ts'

/** The operator's own names for networks, found by longest prefix. */
export type Overrides = {
  find(address: Address): NamedNetwork | undefined
  readonly size: number
}

/** Mistakes printed in the message; all of them are in `mistakes`. */
const SHOWN = 20

/** networks.csv cannot serve; the message lists what is wrong, line by line. */
export class NetworksFileUnusable extends Error {
  override readonly name = 'NetworksFileUnusable'
  readonly path: string
  readonly mistakes: readonly NetworksMistake[]
  constructor(path: string, mistakes: readonly NetworksMistake[], cause?: unknown) {
    super(describe(path, mistakes, cause), { cause })
    this.path = path
    this.mistakes = mistakes
  }
}

export const NO_OVERRIDES: Overrides = createOverrides([])

/** Throws `NetworksFileUnusable` when the file cannot be read or anything in it is wrong. */
export async function openNetworksFile(path: string): Promise<Overrides> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new NetworksFileUnusable(path, [], error)
  }
  const { networks, mistakes } = parseNetworks(bytes)
  if (mistakes.length > 0) throw new NetworksFileUnusable(path, mistakes)
  return createOverrides(networks)
}

/** One table for each length of prefix, the longest asked first. */
export function createOverrides(networks: readonly NamedNetwork[]): Overrides {
  const tables = new Map<number, Map<string, NamedNetwork>>()
  for (const network of networks) {
    const table = tables.get(network.bits) ?? new Map<string, NamedNetwork>()
    table.set(keyOf(network.bytes), network)
    tables.set(network.bits, table)
  }
  const byLength = [...tables].sort(([a], [b]) => b - a)
  return {
    size: networks.length,
    find(address) {
      for (const [bits, table] of byLength) {
        // ::/0 is the whole of IPv6, not the IPv4 addresses that lie within its bytes.
        if (address.version === 4 && bits < 96) return undefined
        const network = table.get(keyOf(maskBytes(address.bytes, bits)))
        if (network !== undefined) return network
      }
      return undefined
    },
  }
}

function keyOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function describe(path: string, mistakes: readonly NetworksMistake[], cause: unknown): string {
  if (mistakes.length === 0) return `${path}: cannot be read (${(cause as Error).message})`
  const lines = mistakes.slice(0, SHOWN).map(({ line, field, message, allowed }) => {
    const where = field === null ? '' : `, ${field}`
    return `  line ${line}${where}: ${message}; allowed: ${allowed}`
  })
  const more = mistakes.length > SHOWN ? [`  and ${mistakes.length - SHOWN} more`] : []
  const count = mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`
  return [`${path}: ${count}`, ...lines, ...more].join('\n')
}
