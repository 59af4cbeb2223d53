import { BlockList } from 'node:net'

/** Whether a prefix lies inside one of the given ones, or is one of them. */
export function createInside(prefixes: readonly string[]): (prefix: string) => boolean {
  const lists = prefixes.map((prefix) => {
    const { address, length, family } = partsOf(prefix)
    const list = new BlockList()
    list.addSubnet(address, length, family)
    return { list, length, family }
  })
  return (prefix) => {
    if (lists.length === 0 || prefix === '') return false
    const { address, length, family } = partsOf(prefix)
    return lists.some(
      (outer) => outer.family === family && length >= outer.length && outer.list.check(address, family),
    )
  }
}

function partsOf(prefix: string): { address: string; length: number; family: 'ipv4' | 'ipv6' } {
  const [address = '', length = ''] = prefix.split('/')
  return { address, length: Number(length), family: address.includes(':') ? 'ipv6' : 'ipv4' }
}
