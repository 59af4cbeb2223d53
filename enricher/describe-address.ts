import type { Network } from '../core/store/handshake-row.ts'
import { type Address, type PrefixLengths, parseAddress, prefixOf } from './address.ts'

/** All that is known of an address: what `halfshake asn lookup` prints. */
export type AddressDescription = Network & { address: string; prefix: string }

/** Undefined when the text is no address. The lookup must have been started. */
export function describeAddress(
  text: string,
  { lookup, prefix }: { lookup: { find(address: Address): Network }; prefix: PrefixLengths },
): AddressDescription | undefined {
  const address = parseAddress(text.trim())
  if (address === undefined) return undefined
  const { asn, network, label, lookup: result } = lookup.find(address)
  return {
    address: address.text,
    prefix: prefixOf(address, prefix).text,
    asn,
    network,
    label,
    lookup: result,
  }
}
