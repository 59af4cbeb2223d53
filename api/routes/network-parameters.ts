import { Problem } from '../../core/runtime/problem.ts'
import type { Queries } from '../bounded-store.ts'
import { asn, text } from '../parameter-types.ts'
import { readSeen, type Seen } from '../queries/network.ts'
import { scopeQuery, windowQuery } from '../schemas.ts'

/** Parameters of every route below /v1/networks/:asn. */
export const networkPath = {
  asn: asn().describe(
    'The AS number, with or without AS before it; 0 stands for addresses that no network announces.',
  ),
}

export const networkQuery = {
  ...windowQuery,
  label: text()
    .optional()
    .describe(
      'Only the part of the network with this label; give it empty for the part without one. All of it when left out.',
    ),
  ...scopeQuery,
}

export const NEVER_SEEN = 'No handshake of this network is stored.'

/** What is known of the network; throws a 404 problem when it was never seen. */
export async function seenOrNotFound(
  store: Queries,
  { asn, label }: { asn: number; label?: string | undefined },
): Promise<Seen> {
  const seen = await readSeen(store, { asns: [asn], label })
  if (seen !== undefined) return seen
  const labelled = label === undefined ? '' : ` with label ${JSON.stringify(label)}`
  throw new Problem({
    status: 404,
    type: 'network-not-seen',
    title: 'Network never seen',
    detail: `no handshake of AS${asn}${labelled} is stored; /v1/networks lists those that are`,
  })
}
