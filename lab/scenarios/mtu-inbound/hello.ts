/**
 * OpenSSL 3.0 and Node 20 know no post-quantum group. What breaks on a narrow path is not the group but the size it
 * gives the ClientHello, 1.5 to 1.9 kB, and that can be had with a long list of application protocols (RFC 7301).
 */

export const SIZES = ['small', 'large'] as const
export type Size = (typeof SIZES)[number]

/** What the server chooses. */
const REAL = 'http/1.1'
/** With the 300 to 420 bytes of an ordinary ClientHello these make 1.5 to 1.9 kB. */
const PADDING = { names: 8, least: 150, most: 180 }

/** The protocols to offer, for a ClientHello of that size. */
export function protocolsFor(size: Size, random: () => number = Math.random): string[] {
  if (size === 'small') return [REAL]
  const length = PADDING.least + Math.floor(random() * (PADDING.most - PADDING.least + 1))
  return [REAL, ...Array.from({ length: PADDING.names }, (_, at) => `x-lab-${at}-`.padEnd(length, 'x'))]
}
