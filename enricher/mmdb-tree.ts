/**
 * The binary search tree of a MaxMind DB while it is built: 128 levels, IPv4 under ::/96.
 * Source: https://maxmind.github.io/MaxMind-DB/, "Binary Search Tree Section".
 */
export type MmdbTree = {
  /**
   * Gives every address from `start` to `end` (16 bytes each, both included) the value, a number from 0 to 2^31-1.
   * Throws RangeError when one of them has a value already.
   */
  insert(start: Uint8Array, end: Uint8Array, value: number): void
  /** Lets a prefix (its bytes and length) share the IPv4 tree, unless something in it has a value. */
  aliasIpv4(prefix: Uint8Array, bits: number): void
  nodeCount(): number
  /**
   * The tree as it stands in the file, seven bytes a node. A value v becomes `nodeCount + 16 + v`: an offset into
   * the data section. Throws RangeError when a number does not fit into `RECORD_BITS`.
   */
  serialize(): Buffer
}

const ADDRESS_BITS = 128
const IPV4_DEPTH = 96
/** Set on a record that holds a value; without it the record is a node's number, and 0 is nothing. */
const VALUE = 0x8000_0000
/** The zero bytes between tree and data section, which data pointers count too. */
export const SEPARATOR_BYTES = 16
/** Room for 268 million nodes and bytes of data; the whole Internet takes fifteen. */
export const RECORD_BITS = 28

export function createMmdbTree(): MmdbTree {
  let records = new Uint32Array(1 << 16)
  let nodes = 1
  const ipv4Root = walk(0, 0, new Uint8Array(16), IPV4_DEPTH)

  return { insert, aliasIpv4, nodeCount: () => nodes, serialize }

  function insert(start: Uint8Array, end: Uint8Array, value: number): void {
    const shared = firstDifference(start, end)
    const startDepth = ADDRESS_BITS - trailing(start, 0)
    const endDepth = ADDRESS_BITS - trailing(end, 1)
    if (startDepth <= shared && endDepth <= shared) {
      if (shared === 0) throw new RangeError('a range of every address there is cannot be stored')
      put(walkTo(start, shared - 1), bitAt(start, shared - 1), value)
      return
    }
    const fork = walkTo(start, shared)
    coverFrom(fork, shared + 1, start, startDepth, value)
    coverTo(fork, shared + 1, end, endDepth, value)
  }

  /** Covers, below the 0 side of `node`, everything from `start` on. `depth` is that of the child. */
  function coverFrom(node: number, depth: number, start: Uint8Array, startDepth: number, value: number) {
    let at = node
    let bit: 0 | 1 = 0
    for (let k = depth; k < startDepth; k += 1) {
      at = descend(at, bit)
      bit = bitAt(start, k)
      if (bit === 0) put(at, 1, value)
    }
    put(at, bit, value)
  }

  /** Covers, below the 1 side of `node`, everything up to `end`. */
  function coverTo(node: number, depth: number, end: Uint8Array, endDepth: number, value: number) {
    let at = node
    let bit: 0 | 1 = 1
    for (let k = depth; k < endDepth; k += 1) {
      at = descend(at, bit)
      bit = bitAt(end, k)
      if (bit === 1) put(at, 0, value)
    }
    put(at, bit, value)
  }

  function aliasIpv4(prefix: Uint8Array, bits: number): void {
    let node = 0
    for (let depth = 0; depth < bits - 1; depth += 1) {
      if (recordAt(node, bitAt(prefix, depth)) >= VALUE) return
      node = descend(node, bitAt(prefix, depth))
    }
    const last = bitAt(prefix, bits - 1)
    if (recordAt(node, last) === 0) records[node * 2 + last] = ipv4Root
  }

  /** The node at this depth on the way to the address. IPv4 starts below its 96 zeros: most ranges are there. */
  function walkTo(address: Uint8Array, depth: number): number {
    return depth >= IPV4_DEPTH && firstSetByte(address) >= IPV4_DEPTH / 8
      ? walk(ipv4Root, IPV4_DEPTH, address, depth)
      : walk(0, 0, address, depth)
  }

  function walk(node: number, from: number, address: Uint8Array, to: number): number {
    let at = node
    for (let depth = from; depth < to; depth += 1) at = descend(at, bitAt(address, depth))
    return at
  }

  function descend(node: number, bit: 0 | 1): number {
    const child = recordAt(node, bit)
    if (child >= VALUE) throw new RangeError('ranges overlap')
    if (child !== 0) return child
    if (nodes * 2 === records.length) {
      const grown = new Uint32Array(records.length * 2)
      grown.set(records)
      records = grown
    }
    records[node * 2 + bit] = nodes
    nodes += 1
    return nodes - 1
  }

  /** The way to the IPv4 tree is there from the beginning, so a node in the way may be an empty one: filled whole. */
  function put(node: number, bit: 0 | 1, value: number): void {
    const record = recordAt(node, bit)
    if (record >= VALUE) throw new RangeError('ranges overlap')
    if (record === 0) records[node * 2 + bit] = VALUE + value
    else {
      put(record, 0, value)
      put(record, 1, value)
    }
  }

  function recordAt(node: number, bit: 0 | 1): number {
    return records[node * 2 + bit] ?? 0
  }

  function serialize(): Buffer {
    const out = Buffer.alloc((nodes * RECORD_BITS) / 4)
    for (let node = 0; node < nodes; node += 1) {
      const left = numberOf(recordAt(node, 0))
      const right = numberOf(recordAt(node, 1))
      if (Math.max(left, right) >= 2 ** RECORD_BITS) {
        throw new RangeError(`the database needs pointers of more than ${RECORD_BITS} bits`)
      }
      writeNode(out, (node * RECORD_BITS) / 4, left, right)
    }
    return out
  }

  function numberOf(record: number): number {
    if (record === 0) return nodes
    return record >= VALUE ? nodes + SEPARATOR_BYTES + (record - VALUE) : record
  }
}

/** Seven bytes: left's low 24 bits, both high nibbles, right's low 24 bits. */
function writeNode(out: Buffer, at: number, left: number, right: number): void {
  out.writeUIntBE(left & 0xff_ffff, at, 3)
  out[at + 3] = ((left >>> 24) << 4) | (right >>> 24)
  out.writeUIntBE(right & 0xff_ffff, at + 4, 3)
}

export function bitAt(bytes: Uint8Array, bit: number): 0 | 1 {
  return (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1 ? 1 : 0
}

/** Index of the first bit in which two addresses differ, 128 when they are the same. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < 16; at += 1) {
    const differing = (a[at] ?? 0) ^ (b[at] ?? 0)
    if (differing !== 0) return at * 8 + Math.clz32(differing) - 24
  }
  return ADDRESS_BITS
}

/** How many bits at the end have this value. */
function trailing(bytes: Uint8Array, value: 0 | 1): number {
  const skip = value === 0 ? 0 : 0xff
  for (let at = 15; at >= 0; at -= 1) {
    const other = (bytes[at] ?? 0) ^ skip
    if (other !== 0) return (15 - at) * 8 + 31 - Math.clz32(other & -other)
  }
  return ADDRESS_BITS
}

function firstSetByte(bytes: Uint8Array): number {
  let at = 0
  while (at < 16 && bytes[at] === 0) at += 1
  return at
}
