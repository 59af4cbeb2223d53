import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandWithin } from '../network/index.ts'

/** Certificates for what the matrix needs, all of one authority; PEM files. */
export type Certificates = {
  /** The authority to trust. */
  ca: string
  /** An authority that signed none of them. */
  otherCa: string
  ecdsa: Pair
  /** RSA 4096 with an intermediate certificate: a flight of several segments. */
  rsaChain: Pair
  expired: Pair
  otherName: Pair
  /** A client's, small and large. */
  client: Pair
  largeClient: Pair
}

/** Files with a key and a chain. */
export type Pair = { key: string; cert: string }

export const SERVER_NAME = 'lab.halfshake.test'
const PAST = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z']
const NOW = ['-days', '2']
/** As many alternative names as make a client's certificate several segments long. */
const MANY_NAMES = 120
/** How long an RSA key of 4096 bits takes is chance, and on a busy machine many times that. */
const DEADLINE_MS = 120_000
const openssl = (args: readonly string[]) => commandWithin(DEADLINE_MS)('openssl', args)

export async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true })
  const maker = createMaker(folder)
  const root = await maker.authority('root')
  const other = await maker.authority('other')
  const intermediate = await maker.issue(root, 'intermediate', { rsa: true, authority: true })
  const leaf = await maker.issue(intermediate, 'rsa', { rsa: true })
  const chain = join(folder, 'rsa-chain.pem')
  await writeFile(chain, `${await readFile(leaf.cert, 'utf8')}${await readFile(intermediate.cert, 'utf8')}`)
  const names = Array.from({ length: MANY_NAMES }, (_, i) => `client-${i}.${SERVER_NAME}`)
  return {
    ca: root.cert,
    otherCa: other.cert,
    ecdsa: await maker.issue(root, 'ecdsa', {}),
    rsaChain: { key: leaf.key, cert: chain },
    expired: await maker.issue(root, 'expired', { validity: PAST }),
    otherName: await maker.issue(root, 'other-name', { names: ['elsewhere.halfshake.test'] }),
    client: await maker.issue(root, 'client', { names: ['client.halfshake.test'] }),
    largeClient: await maker.issue(root, 'large-client', { names }),
  }
}

type Request = {
  rsa?: boolean
  authority?: boolean
  names?: readonly string[]
  validity?: readonly string[]
}

/** `openssl ca`, for it alone makes certificates that have expired. */
function createMaker(folder: string) {
  const at = (name: string) => join(folder, name)
  const key = (rsa: boolean) => (rsa ? ['rsa:4096'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'])
  return {
    async authority(name: string): Promise<Pair> {
      const pair = { key: at(`${name}.key`), cert: at(`${name}.pem`) }
      await openssl([
        ...[
          'req',
          '-x509',
          '-newkey',
          ...key(false),
          '-nodes',
          '-days',
          '2',
          '-subj',
          `/CN=halfshake lab ${name}`,
        ],
        ...['-keyout', pair.key, '-out', pair.cert],
      ])
      return pair
    },
    async issue(
      issuer: Pair,
      name: string,
      { rsa = false, authority = false, names = [SERVER_NAME], validity = NOW }: Request,
    ): Promise<Pair> {
      const pair = { key: at(`${name}.key`), cert: at(`${name}.pem`) }
      const request = at(`${name}.csr`)
      const config = at(`${name}.cnf`)
      await writeFile(config, caConfig(at(name), authority, names))
      await writeFile(at(`${name}.index`), '')
      await openssl([
        ...['req', '-new', '-newkey', ...key(rsa), '-nodes', '-subj', `/CN=${name}`],
        ...['-keyout', pair.key, '-out', request],
      ])
      await openssl([
        ...['ca', '-batch', '-notext', '-config', config, '-cert', issuer.cert, '-keyfile', issuer.key],
        ...['-in', request, '-out', pair.cert, ...validity],
      ])
      return pair
    },
  }
}

function caConfig(base: string, authority: boolean, names: readonly string[]): string {
  const extensions = authority
    ? 'basicConstraints = critical,CA:true'
    : `subjectAltName = ${names.map((name) => `DNS:${name}`).join(',')}`
  return `[ca]
default_ca = lab
[lab]
database = ${base}.index
new_certs_dir = ${base.slice(0, base.lastIndexOf('/'))}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
${extensions}
`
}
