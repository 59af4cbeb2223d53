import type { Command } from 'commander'
import { Registry } from 'prom-client'
import { parseAddress } from '../../enricher/address.ts'
import { type AddressDescription, describeAddress } from '../../enricher/describe-address.ts'
import { createNetworkLookup } from '../../enricher/lookup.ts'
import { loadConfig } from '../config-file.ts'
import { findDatabase } from '../enrichment.ts'
import type { Io } from '../io.ts'
import { table } from '../table.ts'
import { UserError } from '../user-error.ts'

export function registerAsn(program: Command, io: Io): void {
  program
    .command('asn')
    .description('ask the address database')
    .command('lookup')
    .description('say which network each address belongs to, as the enricher would')
    .argument('<address...>', 'IPv4 or IPv6 addresses')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(async (addresses: string[], { config: file, json }: { config?: string; json?: boolean }) => {
      refuseWhatIsNoAddress(addresses)
      const { config } = loadConfig(io, file)
      const log = io.logger('warn')
      const databasePath = await findDatabase(config, log, (share) =>
        io.progress(`building the ASN database: ${Math.round(share * 100)} %`),
      )
      const lookup = createNetworkLookup({
        databasePath,
        networksPath: config.enricher.networks,
        log,
        registry: new Registry(),
      })
      await lookup.start()
      const prefix = { ipv4: config.enricher.prefix_ipv4, ipv6: config.enricher.prefix_ipv6 }
      const found = addresses.flatMap((address) => describeAddress(address, { lookup, prefix }) ?? [])
      await lookup.stop()
      if (json === true) io.print(JSON.stringify(found))
      else io.print(table(['address', 'prefix', 'ASN', 'network', 'label', 'lookup'], found.map(cells), io))
    })
}

function refuseWhatIsNoAddress(addresses: readonly string[]): void {
  const wrong = addresses.filter((address) => parseAddress(address.trim()) === undefined)
  if (wrong.length > 0) throw new UserError(`not an IPv4 or IPv6 address: ${wrong.join(', ')}`)
}

function cells({ address, prefix, asn, network, label, lookup }: AddressDescription) {
  return [address, prefix, asn === 0 ? '-' : `AS${asn}`, network, label, lookup]
}
