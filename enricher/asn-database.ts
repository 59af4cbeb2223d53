import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type AsnResponse, Reader } from 'maxmind'
import { parseBytes } from './address.ts'
import { parseCsvLine } from './csv.ts'
import { createMmdbWriter, type MmdbWriter } from './mmdb-writer.ts'

export type BuildProgress = {
  /** Bytes of the source read so far, and in all. */
  readonly done: number
  readonly total: number
}

export type BuiltDatabase = {
  readonly path: string
  /** Whether it was built now; false when the one that was there is of the same version. */
  readonly built: boolean
  /** Version of the package the data is from. */
  readonly version: string
}

const PACKAGE = '@ip-location-db/asn'
const SOURCES = ['asn-ipv4.csv', 'asn-ipv6.csv'] as const
const FILE_NAME = 'asn.mmdb'
/** Raised when the same package would make another file. */
const FORMAT = 1
const CHUNK_BYTES = 1 << 20
/** A temporary file this old belongs to a process that died while it built. */
const ABANDONED_MS = 600_000

/**
 * Sees to it that `<dataFolder>/asn.mmdb` holds the address ranges of the installed `@ip-location-db/asn` package
 * (CC BY 4.0: RouteViews, the NRO, DB-IP). Builds it when it is missing, unreadable or of another version; the file
 * appears whole or not at all. Takes about two seconds. Throws when the package or the folder cannot be used.
 */
export async function ensureAsnDatabase({
  dataFolder,
  packageFolder = installedPackage(),
  onProgress = () => undefined,
}: {
  dataFolder: string
  packageFolder?: string
  onProgress?: (progress: BuildProgress) => void
}): Promise<BuiltDatabase> {
  const version = await packageVersion(packageFolder)
  const path = join(dataFolder, FILE_NAME)
  const description = `${PACKAGE} ${version}, format ${FORMAT}: RouteViews, NRO, DB-IP (CC BY 4.0)`
  if ((await descriptionOf(path)) === description) return { path, built: false, version }
  const writer = createMmdbWriter({
    databaseType: 'Halfshake-ASN',
    description,
    buildEpoch: Math.floor(dateOf(version) / 1000),
  })
  await readSources(packageFolder, writer, onProgress)
  await mkdir(dataFolder, { recursive: true })
  await writeWhole(path, writer.finish())
  return { path, built: true, version }
}

async function readSources(
  folder: string,
  writer: MmdbWriter,
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const paths = SOURCES.map((name) => join(folder, name))
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let done = 0
  for (const path of paths) {
    await eachLine(path, createRangeReader(path, writer), (bytes) => {
      done += bytes
      onProgress({ done, total })
    })
  }
}

/** Calls `onLine` for each line. Other work gets its turn between two chunks. */
async function eachLine(
  path: string,
  onLine: (line: string, number: number) => void,
  onChunk: (bytes: number) => void,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 0
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    // Cut between lines, so that no character is cut in two.
    const bytes: Buffer = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(0x0a) + 1
    for (const line of bytes.toString('utf8', 0, Math.max(0, end - 1)).split('\n')) {
      number += 1
      if (line !== '') onLine(line, number)
    }
    rest = bytes.subarray(end)
    onChunk(chunk.length)
  }
  if (rest.length > 0) onLine(rest.toString('utf8'), number + 1)
}

/**
 * Hands the lines `start,end,asn,organization` of one file to the writer. Where two rows overlap (it happens),
 * the one that starts first keeps what it has and the other gets the rest.
 */
function createRangeReader(path: string, writer: MmdbWriter): (line: string, number: number) => void {
  let taken: Uint8Array = new Uint8Array(0)
  return (line, number) => {
    const [first = '', last = '', asn = '', organization = ''] = parseCsvLine(line.trimEnd()) ?? []
    const start = parseBytes(first)
    const end = parseBytes(last)
    if (start === undefined || end === undefined || !/^\d{1,10}$/.test(asn) || Number(asn) > 0xffff_ffff) {
      throw new Error(`${path}, line ${number}: not "start,end,asn,organization": ${line.slice(0, 80)}`)
    }
    if (Buffer.compare(end, taken) <= 0) return
    const free = Buffer.compare(start, taken) <= 0 ? next(taken) : start
    writer.add({ start: free, end, asn: Number(asn), organization })
    taken = end
  }
}

/** The address right after this one. */
function next(bytes: Uint8Array): Uint8Array {
  const after = Uint8Array.from(bytes)
  for (let at = 15; at >= 0; at -= 1) {
    after[at] = (after[at] ?? 0) + 1
    if (after[at] !== 0) break
  }
  return after
}

/** Writes beside the file, makes it durable and puts it in place in one step. */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  await removeAbandoned(path)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path)
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.tmp')) continue
    const { mtimeMs } = await stat(join(folder, name))
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(join(folder, name), { force: true })
  }
}

/** What the database there says of itself; undefined when there is none that can be read. */
async function descriptionOf(path: string): Promise<string | undefined> {
  try {
    const { description } = new Reader<AsnResponse>(await readFile(path)).metadata
    // Declared as a string, but the format has a map of languages.
    return (description as unknown as { en?: string }).en
  } catch {
    return undefined
  }
}

async function packageVersion(folder: string): Promise<string> {
  const path = join(folder, 'package.json')
  const { version } = JSON.parse(await readFile(path, 'utf8')) as { version?: unknown }
  if (typeof version !== 'string') throw new Error(`${path} names no version`)
  return version
}

/** When the data was made, ms since 1970: the package's version ends in YYYYMMDDHH. */
function dateOf(version: string): number {
  const [, year, month, day, hour] = /\.(\d{4})(\d\d)(\d\d)(\d\d)?$/.exec(version) ?? []
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour ?? 0))
  if (Number.isNaN(date)) throw new Error(`the version ${version} of ${PACKAGE} bears no date`)
  return date
}

function installedPackage(): string {
  return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))
}
