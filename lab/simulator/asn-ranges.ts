import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Addresses announced by one autonomous system, first to last, both included; both of one IP version. */
export type AsnRange = { first: string; last: string; asn: number }

const PACKAGE = '@ip-location-db/asn'
const LINE = /^([0-9a-f.:]+),([0-9a-f.:]+),(\d+),/gm

/**
 * The ranges of the installed `@ip-location-db/asn` package (CC BY 4.0: RouteViews, the registries, DB-IP), some
 * 515,000, in order of address. Names are not read: whoever shows a network looks its name up as for any traffic.
 * @throws when the package is not installed.
 */
export function* readAsnRanges(folder = installedPackage()): Generator<AsnRange> {
  for (const file of ['asn-ipv4.csv', 'asn-ipv6.csv']) {
    for (const [, first = '', last = '', asn] of readFileSync(join(folder, file), 'latin1').matchAll(LINE)) {
      yield { first, last, asn: Number(asn) }
    }
  }
}

function installedPackage(): string {
  return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))
}
