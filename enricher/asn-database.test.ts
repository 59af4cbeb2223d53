import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type AsnResponse, Reader } from 'maxmind'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureAsnDatabase } from './asn-database.ts'
import { parseCsvLine } from './csv.ts'

let scratch: string
let packageFolder: string
let dataFolder: string

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'halfshake-asn-'))
  packageFolder = join(scratch, 'package')
  dataFolder = join(scratch, 'made', 'at', 'first', 'start')
  await mkdir(packageFolder)
  await givePackage('2.3.2026061719', {
    ipv4: '1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."\n1.0.4.0,1.0.7.255,38803,Gtelecom Pty Ltd\n',
    ipv6: '2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,64496,"LLC ""DOCS"""\n',
  })
})

afterEach(() => rm(scratch, { recursive: true }))

async function givePackage(version: string, csv: { ipv4: string; ipv6: string }): Promise<void> {
  await writeFile(join(packageFolder, 'package.json'), JSON.stringify({ version }))
  await writeFile(join(packageFolder, 'asn-ipv4.csv'), csv.ipv4)
  await writeFile(join(packageFolder, 'asn-ipv6.csv'), csv.ipv6)
}

async function readerOf(path: string): Promise<Reader<AsnResponse>> {
  return new Reader<AsnResponse>(await readFile(path))
}

describe('ensureAsnDatabase', () => {
  it('builds the database with the age of the data, not of the build', async () => {
    const { path, built } = await ensureAsnDatabase({ dataFolder, packageFolder })
    const reader = await readerOf(path)
    expect(built).toBe(true)
    expect(path).toBe(join(dataFolder, 'asn.mmdb'))
    expect(reader.metadata.buildEpoch.toISOString()).toBe('2026-06-17T19:00:00.000Z')
    expect(reader.get('1.0.0.9')?.autonomous_system_organization).toBe('Cloudflare, Inc.')
    expect(reader.get('2001:db8::9')?.autonomous_system_organization).toBe('LLC "DOCS"')
    expect(reader.get('1.0.1.0')).toBeNull()
  })

  it('leaves a database of the same version alone', async () => {
    await ensureAsnDatabase({ dataFolder, packageFolder })
    const again = await ensureAsnDatabase({ dataFolder, packageFolder })
    expect(again).toMatchObject({ built: false, version: '2.3.2026061719' })
  })

  it('builds it anew when the package has another version', async () => {
    await ensureAsnDatabase({ dataFolder, packageFolder })
    await givePackage('2.3.2026070101', { ipv4: '1.0.0.0,1.0.0.255,1,New\n', ipv6: '' })
    const { path, built } = await ensureAsnDatabase({ dataFolder, packageFolder })
    expect(built).toBe(true)
    expect((await readerOf(path)).get('1.0.0.9')?.autonomous_system_number).toBe(1)
  })

  it.each(['', 'half a file'])('builds it anew when the file there holds %j', async (content) => {
    const { path } = await ensureAsnDatabase({ dataFolder, packageFolder })
    await writeFile(path, content)
    expect(await ensureAsnDatabase({ dataFolder, packageFolder })).toMatchObject({ built: true })
  })

  it('names file and line of a row it cannot read, and keeps the database it had', async () => {
    const { path } = await ensureAsnDatabase({ dataFolder, packageFolder })
    const before = await readFile(path)
    await givePackage('2.3.2026070101', {
      ipv4: '1.0.0.0,1.0.0.255,1,One\n1.0.1.0,nonsense,2,Two\n',
      ipv6: '',
    })
    await expect(ensureAsnDatabase({ dataFolder, packageFolder })).rejects.toThrow(
      /asn-ipv4\.csv, line 2: .*nonsense/,
    )
    expect(await readFile(path)).toEqual(before)
    expect(await readdir(dataFolder)).toEqual(['asn.mmdb'])
  })

  it('leaves nothing behind when the file cannot be put in place', async () => {
    await mkdir(join(dataFolder, 'asn.mmdb', 'in the way'), { recursive: true })
    await expect(ensureAsnDatabase({ dataFolder, packageFolder })).rejects.toThrow()
    expect(await readdir(dataFolder)).toEqual(['asn.mmdb'])
  })

  it('removes what a build that died left behind, but not the file of a build under way', async () => {
    const { path } = await ensureAsnDatabase({ dataFolder, packageFolder })
    await writeFile(`${path}.1.tmp`, 'old')
    await writeFile(`${path}.2.tmp`, 'new')
    await utimes(`${path}.1.tmp`, 1, 1)
    await writeFile(path, '')
    await ensureAsnDatabase({ dataFolder, packageFolder })
    expect((await readdir(dataFolder)).sort()).toEqual(['asn.mmdb', 'asn.mmdb.2.tmp'])
  })

  it('gives overlapping addresses to the row that starts first', async () => {
    const ipv4 = '1.0.0.0,1.0.1.255,1,One\n1.0.1.0,1.0.2.255,2,Two\n1.0.2.5,1.0.2.9,3,Three\n'
    await givePackage('2.3.2026070101', { ipv4, ipv6: '' })
    const reader = await readerOf((await ensureAsnDatabase({ dataFolder, packageFolder })).path)
    const asns = ['1.0.1.255', '1.0.2.0', '1.0.2.7'].map((ip) => reader.get(ip)?.autonomous_system_number)
    expect(asns).toEqual([1, 2, 2])
  })

  it('tells how far it is, up to the whole', async () => {
    const seen: number[] = []
    await ensureAsnDatabase({
      dataFolder,
      packageFolder,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(seen.at(-1)).toBe(1)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
  })

  it('refuses a package whose version bears no date', async () => {
    await givePackage('1.0.0', { ipv4: '', ipv6: '' })
    await expect(ensureAsnDatabase({ dataFolder, packageFolder })).rejects.toThrow('bears no date')
  })
})

describe('the database of the installed package', () => {
  it('names, at both edges of every hundredth range, the network that the source names', async () => {
    const { path } = await ensureAsnDatabase({ dataFolder })
    const reader = await readerOf(path)
    let compared = 0
    for (const line of await sourceLines()) {
      const [start = '', end = '', asn, organization] = parseCsvLine(line) ?? []
      for (const edge of [start, end]) {
        // One row of the source overlaps the row before it, which comes first.
        if (edge.startsWith('215.0.')) continue
        expect(reader.get(edge), edge).toEqual({
          autonomous_system_number: Number(asn),
          autonomous_system_organization: organization,
        })
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(5000)
    expect(['10.0.0.1', '192.0.2.1', '2001:db8::1', 'fe80::1'].map((ip) => reader.get(ip))).toEqual([
      null,
      null,
      null,
      null,
    ])
  })
})

async function sourceLines(): Promise<string[]> {
  const folder = dirname(createRequire(import.meta.url).resolve('@ip-location-db/asn/package.json'))
  const files = await Promise.all(
    ['asn-ipv4.csv', 'asn-ipv6.csv'].map((name) => readFile(join(folder, name), 'utf8')),
  )
  return files.flatMap((text) => text.trim().split('\n')).filter((_, at) => at % 100 === 0)
}
