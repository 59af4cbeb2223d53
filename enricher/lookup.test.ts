import { mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { describeAddress } from './describe-address.ts'
import { createNetworkLookup, type NetworkLookup } from './lookup.ts'
import { asnDatabaseBytes, createTestLog } from './testing.ts'

const FIRST = asnDatabaseBytes([['203.0.113.0', '203.0.113.255', 64496, 'First']])
const SECOND = asnDatabaseBytes([['203.0.113.0', '203.0.113.255', 64497, 'Second']], 1_750_003_600)
const PREFIX = { ipv4: 24, ipv6: 48 }

let folder: string
let databasePath: string
let networksPath: string
let registry: Registry
let testLog: ReturnType<typeof createTestLog>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfshake-lookup-'))
  databasePath = join(folder, 'asn.mmdb')
  networksPath = join(folder, 'networks.csv')
  registry = new Registry()
  testLog = createTestLog()
  await writeFile(databasePath, FIRST)
  await writeFile(networksPath, 'prefix,label,asn\n10.0.0.0/8,Office\n')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function create({ watchEveryMs = 3_600_000, now = Date.now } = {}): NetworkLookup {
  return createNetworkLookup({ databasePath, networksPath, log: testLog.log, registry, watchEveryMs, now })
}

async function started(options?: Parameters<typeof create>[0]): Promise<NetworkLookup> {
  const lookup = create(options)
  await lookup.start()
  onTestFinished(() => lookup.stop())
  return lookup
}

function find(lookup: NetworkLookup, ip: string) {
  return describeAddress(ip, { lookup, prefix: PREFIX })
}

/** A changed file is loaded once two looks found it the same. */
async function settle(lookup: NetworkLookup): Promise<void> {
  await lookup.refresh()
  await lookup.refresh()
}

async function metric(name: string, result?: string): Promise<number | undefined> {
  const { values = [] } = (await registry.getSingleMetric(name)?.get()) ?? {}
  return values.find(({ labels }) => result === undefined || labels['result'] === result)?.value
}

describe('createNetworkLookup', () => {
  it('tells known, not announced and broken from one another', async () => {
    const lookup = create()
    expect(find(lookup, '203.0.113.9')?.lookup).toBe('broken')
    await lookup.start()
    expect(find(lookup, '203.0.113.9')).toEqual({
      address: '203.0.113.9',
      prefix: '203.0.113.0/24',
      asn: 64496,
      network: 'First',
      label: '',
      lookup: 'known',
    })
    expect(find(lookup, '198.51.100.1')).toMatchObject({ asn: 0, network: '', lookup: 'unknown' })
    expect(await metric('halfshake_asn_lookups_total', 'broken')).toBe(1)
    expect(await metric('halfshake_asn_lookups_total', 'known')).toBe(1)
    expect(await metric('halfshake_asn_lookups_total', 'unknown')).toBe(1)
    await lookup.stop()
  })

  it('calls a record that does not decode broken, not unknown, and logs it once', async () => {
    // Type 15 with a size that leads out of the file, in place of the name of one network among many.
    const rows = Array.from(
      { length: 2000 },
      (_, i) => [`1.${i >> 8}.${i & 255}.0`, `1.${i >> 8}.${i & 255}.255`, i + 1, `Network ${i}`] as const,
    )
    const bytes = asnDatabaseBytes(rows)
    bytes[bytes.indexOf('Network 1234') - 1] = 0x00
    await writeFile(databasePath, bytes)
    const lookup = await started()
    const broken = find(lookup, '1.4.210.1')
    find(lookup, '1.4.210.2')
    expect(broken).toMatchObject({ asn: 0, network: '', lookup: 'broken' })
    expect(testLog.records.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(find(lookup, '1.4.211.1')).toMatchObject({ asn: 1236, lookup: 'known' })
  })

  it('does not start with a database it cannot read', async () => {
    await writeFile(databasePath, 'nonsense')
    await expect(create().start()).rejects.toThrow(`${databasePath}: is no MaxMind database`)
  })

  it('does not start with a networks.csv that has mistakes, and names them all', async () => {
    await writeFile(networksPath, 'prefix,label\n10.0.0.1/8,Office\n10.0.0.0/8,\n')
    await expect(create().start()).rejects.toThrow(
      /networks\.csv: 2 mistakes\n {2}line 2, prefix: .*allowed: 10\.0\.0\.0\/8\n {2}line 3, label: /,
    )
  })

  it('does not start when networks.csv is missing', async () => {
    await rm(networksPath)
    await expect(create().start()).rejects.toThrow(/networks\.csv: cannot be read/)
  })

  it('tells the age of the data, not of the file', async () => {
    create({ now: () => 1_750_000_000_000 + 90_000 })
    expect(await metric('halfshake_asn_database_age_seconds')).toBeUndefined()
    registry.clear()
    await started({ now: () => 1_750_000_000_000 + 90_000 })
    expect(await metric('halfshake_asn_database_age_seconds')).toBe(90)
  })
})

describe('a changed ASN database', () => {
  const changes: [string, () => Promise<void>][] = [
    ['written in place', () => writeFile(databasePath, SECOND)],
    [
      'put in place by rename',
      async () => {
        await writeFile(`${databasePath}.new`, SECOND)
        await rename(`${databasePath}.new`, databasePath)
      },
    ],
    [
      'removed and made anew',
      async () => {
        await rm(databasePath)
        await writeFile(databasePath, SECOND)
      },
    ],
  ]

  it.each(changes)('is taken in when it was %s', async (_, change) => {
    const lookup = await started()
    const before = lookup.generation()
    await change()
    await settle(lookup)
    expect(find(lookup, '203.0.113.9')).toMatchObject({ asn: 64497, network: 'Second' })
    expect(lookup.generation()).toBeGreaterThan(before)
    expect(lookup.database()?.builtAt).toBe(1_750_003_600_000)
    expect(await metric('halfshake_asn_database_loads_total', 'loaded')).toBe(2)
  })

  it('is noticed without being asked', async () => {
    const lookup = await started({ watchEveryMs: 5 })
    await writeFile(databasePath, SECOND)
    await expect.poll(() => find(lookup, '203.0.113.9')?.network).toBe('Second')
  })

  it('is left alone until it has been written whole', async () => {
    const lookup = await started()
    const file = await open(databasePath, 'w')
    await file.write(SECOND.subarray(0, 200))
    await settle(lookup)
    expect(find(lookup, '203.0.113.9')?.network).toBe('First')
    await file.write(SECOND.subarray(200))
    await file.close()
    await lookup.refresh()
    expect(find(lookup, '203.0.113.9')?.network).toBe('First')
    await lookup.refresh()
    expect(find(lookup, '203.0.113.9')?.network).toBe('Second')
  })

  it('leaves the last good one in force when it is bad, which is logged and counted once', async () => {
    const lookup = await started()
    const before = lookup.generation()
    await writeFile(databasePath, 'nonsense')
    await settle(lookup)
    await settle(lookup)
    expect(find(lookup, '203.0.113.9')).toMatchObject({ network: 'First', lookup: 'known' })
    expect(lookup.generation()).toBe(before)
    expect(await metric('halfshake_asn_database_loads_total', 'refused')).toBe(1)
    const errors = testLog.records.filter(({ level }) => level === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ path: databasePath, error: expect.stringContaining('no metadata') })
    await writeFile(databasePath, SECOND)
    await settle(lookup)
    expect(find(lookup, '203.0.113.9')?.network).toBe('Second')
  })

  it('leaves the last good one in force when it is removed', async () => {
    const lookup = await started()
    await rm(databasePath)
    await settle(lookup)
    await settle(lookup)
    expect(find(lookup, '203.0.113.9')?.network).toBe('First')
    expect(await metric('halfshake_asn_database_loads_total', 'missing')).toBe(1)
    expect(testLog.records.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })
})

describe('networks.csv', () => {
  afterEach(() => rm(networksPath, { force: true }))

  it.each([
    ['203.0.113.0/24,Customer', { asn: 64496, network: 'First', label: 'Customer', lookup: 'known' }],
    ['203.0.113.0/24,Customer,64496', { asn: 64496, network: 'First', label: 'Customer', lookup: 'known' }],
    ['203.0.113.0/24,Customer,65001', { asn: 65001, network: '', label: 'Customer', lookup: 'known' }],
    ['203.0.113.9/32,Host', { asn: 64496, network: 'First', label: 'Host', lookup: 'known' }],
    ['203.0.113.8/32,Other host', { asn: 64496, network: 'First', label: '', lookup: 'known' }],
  ])('with %j', async (line, expected) => {
    await writeFile(networksPath, `prefix,label,asn\n${line}\n`)
    expect(find(await started(), '203.0.113.9')).toMatchObject(expected)
  })

  it('names what nobody announces: unknown to the database without an AS number, known with one', async () => {
    await writeFile(networksPath, 'prefix,label,asn\n10.0.0.0/8,Office\n10.9.0.0/16,Lab,64512\n')
    const lookup = await started()
    expect(find(lookup, '10.1.1.1')).toMatchObject({ asn: 0, label: 'Office', lookup: 'unknown' })
    expect(find(lookup, '10.9.1.1')).toMatchObject({ asn: 64512, label: 'Lab', lookup: 'known' })
  })

  it('is taken in when it changes', async () => {
    const lookup = await started()
    const before = lookup.generation()
    await writeFile(networksPath, 'prefix,label\n10.0.0.0/8,Head office\n')
    await settle(lookup)
    expect(find(lookup, '10.1.1.1')?.label).toBe('Head office')
    expect(lookup.generation()).toBeGreaterThan(before)
  })

  it('stays as it was when its new version has mistakes', async () => {
    const lookup = await started()
    await writeFile(networksPath, 'prefix,label\n10.0.0.1/8,Head office\n')
    await settle(lookup)
    expect(find(lookup, '10.1.1.1')?.label).toBe('Office')
    expect(await metric('halfshake_networks_file_loads_total', 'refused')).toBe(1)
    expect(testLog.records).toContainEqual(
      expect.objectContaining({ level: 'error', error: expect.stringContaining('line 2, prefix') }),
    )
  })
})

describe('describeAddress', () => {
  it('answers undefined for what is no address', async () => {
    expect(find(await started(), 'example.org')).toBeUndefined()
  })
})
