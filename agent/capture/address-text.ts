/** Addresses as text, from where they stand in a packet. */

export function ipv4Text(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

/** As RFC 5952 recommends: the longest run of zero groups left out. */
export function ipv6Text(bytes: Buffer, from: number): string {
  const groups: string[] = []
  for (let at = from; at < from + 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  let [start, length] = [0, 1]
  for (let first = 0; first < 8; first += 1) {
    let end = first
    while (groups[end] === '0') end += 1
    if (end - first > length) [start, length] = [first, end - first]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}
