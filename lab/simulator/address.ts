/** Addresses as numbers, as far as the simulator needs them. */

const DOT = 0x2e
const ZERO = 0x30

/** 192.0.2.1 ↔ 3221225985. */
export function ipv4ToNumber(text: string): number {
  let value = 0
  let octet = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code !== DOT) octet = octet * 10 + code - ZERO
    else {
      value = value * 256 + octet
      octet = 0
    }
  }
  return value * 256 + octet
}

export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}

/** The first 48 bits of an IPv6 address, as a number. */
export function ipv6Site(text: string): number {
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
  return groups.slice(0, 3).reduce((value, group) => value * 65_536 + Number.parseInt(group, 16), 0)
}

/** An address within the /48: subnet (16 bits) and four groups of the interface. */
export function ipv6In(site: number, subnet: number, groups: readonly number[]): string {
  const head = [Math.floor(site / 2 ** 32), Math.floor(site / 65_536) % 65_536, site % 65_536]
  return [...head, subnet, ...groups].map((group) => group.toString(16)).join(':')
}
