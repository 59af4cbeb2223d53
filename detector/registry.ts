import type { MinuteCount } from './count.ts'
import type { Fleet } from './fleet.ts'
import type { Incident } from './incident.ts'
import { at, I, INTS, KIND } from './streams.ts'

/** What a stream is called. */
export type StreamName = Pick<Incident, 'scope' | 'asn' | 'label' | 'prefix' | 'site'>

/** Names of the fleet's streams, both ways. */
export type Registry = {
  /** The stream of a count, made at its first appearance; undefined for a prefix too many. */
  streamOf(count: MinuteCount): number | undefined
  find(stream: Pick<StreamName, 'asn' | 'label' | 'prefix'>): number | undefined
  /** The stream of that name, also a site's or the world's. */
  findNamed(name: StreamName): number | undefined
  nameOf(stream: number): StreamName
}

type Network = { stream: number; prefixes: Map<string, number> }
type Names = { asn: number; label: string; prefix: string }

export function createRegistry(fleet: Fleet, mostStreams: number): Registry {
  const networks = new Map<number, Map<string, Network>>()
  const names: (Names | undefined)[] = []
  let last: { asn: number; label: string; network: Network } | undefined

  function streamOf({ asn, label, prefix }: MinuteCount): number | undefined {
    const network = networkOf(asn, label)
    if (prefix === '') return network.stream
    const known = network.prefixes.get(prefix)
    if (known !== undefined) return known
    if (fleet.streams.count >= mostStreams) return undefined
    const stream = fleet.add(KIND.prefix, network.stream)
    names[stream] = { asn, label, prefix }
    network.prefixes.set(prefix, stream)
    return stream
  }

  function networkOf(asn: number, label: string): Network {
    if (last !== undefined && last.asn === asn && last.label === label) return last.network
    const ofAsn = networks.get(asn) ?? new Map<string, Network>()
    networks.set(asn, ofAsn)
    const network = ofAsn.get(label) ?? addNetwork(asn, label)
    ofAsn.set(label, network)
    last = { asn, label, network }
    return network
  }

  function addNetwork(asn: number, label: string): Network {
    const stream = fleet.add(asn === 0 && label === '' ? KIND.unknown : KIND.network, -1)
    names[stream] = { asn, label, prefix: '' }
    return { stream, prefixes: new Map() }
  }

  function find({ asn, label, prefix }: Names): number | undefined {
    const network = networks.get(asn)?.get(label)
    return prefix === '' ? network?.stream : network?.prefixes.get(prefix)
  }

  function findNamed(name: StreamName): number | undefined {
    if (name.scope === 'world') return fleet.sharedStream('')
    if (name.scope !== 'site') return find(name)
    // By what it is called: a site without a name goes by the same word as the world.
    for (let stream = 0; stream < fleet.streams.count; stream++) {
      if (at(fleet.streams.ints, stream * INTS + I.KIND) !== KIND.site) continue
      if (fleet.siteOf(stream) === name.site) return stream
    }
    return undefined
  }

  function nameOf(stream: number): StreamName {
    const name = names[stream]
    if (name !== undefined) return { scope: name.prefix === '' ? 'network' : 'prefix', ...name, site: '' }
    const site = fleet.siteOf(stream) ?? ''
    return {
      scope: fleet.sharedStream('') === stream ? 'world' : 'site',
      asn: 0,
      label: '',
      prefix: '',
      site,
    }
  }

  return { streamOf, find, findNamed, nameOf }
}
