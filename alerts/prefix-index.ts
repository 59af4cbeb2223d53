/** Finds what lies inside a prefix without looking at everything: for each length asked for, one map. */
export function createPrefixIndex<Item extends { prefix: string }>(
  items: readonly Item[],
): (prefix: string) => readonly Item[] {
  const byLength = new Map<string, Map<bigint, Item[]>>()
  return (prefix) => {
    const { family, bits, length } = partsOf(prefix)
    const key = `${family}/${length}`
    const index = byLength.get(key) ?? indexed(items, family, length)
    byLength.set(key, index)
    return index.get(networkOf(bits, family, length)) ?? []
  }
}

/** Whether a prefix lies inside one of the given ones, or is one of them; the empty one is nowhere. */
export function createInside(outers: readonly string[]): (prefix: string) => boolean {
  const parts = outers.map(partsOf)
  return (prefix) => {
    if (parts.length === 0 || prefix === '') return false
    const own = partsOf(prefix)
    return parts.some(
      ({ family, bits, length }) =>
        family === own.family &&
        own.length >= length &&
        networkOf(own.bits, family, length) === networkOf(bits, family, length),
    )
  }
}

/** Finds what a prefix lies inside of: for each length that an item has, one look. */
export function createAround<Item extends { prefix: string }>(
  items: readonly Item[],
): (prefix: string) => readonly Item[] {
  const byLength = new Map<string, { family: Family; length: number; index: Map<bigint, Item[]> }>()
  for (const item of items) {
    const { family, bits, length } = partsOf(item.prefix)
    const key = `${family}/${length}`
    const { index } = byLength.get(key) ?? { index: new Map<bigint, Item[]>() }
    byLength.set(key, { family, length, index })
    const network = networkOf(bits, family, length)
    const there = index.get(network)
    if (there === undefined) index.set(network, [item])
    else there.push(item)
  }
  const lengths = [...byLength.values()]
  return (prefix) => {
    if (lengths.length === 0 || prefix === '') return []
    const own = partsOf(prefix)
    return lengths
      .filter(({ family, length }) => family === own.family && length <= own.length)
      .flatMap(({ family, length, index }) => index.get(networkOf(own.bits, family, length)) ?? [])
  }
}

type Family = 4 | 6

function indexed<Item extends { prefix: string }>(
  items: readonly Item[],
  family: Family,
  length: number,
): Map<bigint, Item[]> {
  const index = new Map<bigint, Item[]>()
  for (const item of items) {
    const own = partsOf(item.prefix)
    if (own.family !== family || own.length < length) continue
    const network = networkOf(own.bits, family, length)
    const inside = index.get(network)
    if (inside === undefined) index.set(network, [item])
    else inside.push(item)
  }
  return index
}

/** The first `length` bits of an address. */
function networkOf(bits: bigint, family: Family, length: number): bigint {
  return bits >> BigInt((family === 4 ? 32 : 128) - length)
}

function partsOf(prefix: string): { family: Family; bits: bigint; length: number } {
  const [address = '', length = ''] = prefix.split('/')
  const family = address.includes(':') ? 6 : 4
  return { family, bits: family === 4 ? bitsOf4(address) : bitsOf6(address), length: Number(length) }
}

function bitsOf4(address: string): bigint {
  return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
}

/** Groups of 16 bits; `::` stands for as many zeros as are missing (RFC 4291, 2.2). */
function bitsOf6(address: string): bigint {
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))
  const [head = '', tail] = address.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}
