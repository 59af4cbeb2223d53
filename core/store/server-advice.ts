import { codeBehind } from './errors.ts'
import { StoreRefused } from './store.ts'

export type Place = { url: string; user: string; database: string; cluster?: string | undefined }

/** Codes of TLS errors, which no other try mends. Source: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/

/** An error that will stay, with what to do about it; anything else as it is. */
export function advise(error: unknown, place: Place): unknown {
  const certificate = certificateError(error)
  if (certificate !== undefined) {
    return new StoreRefused(
      `the certificate of ${place.url} is not trusted (${certificate}): put the authority that issued it into store.tls_ca`,
      { cause: error },
    )
  }
  if (!(error instanceof StoreRefused)) return error
  const advice = adviceFor(codeBehind(error), place)
  return advice === undefined ? error : new StoreRefused(`${advice} (${error.message})`, { cause: error })
}

function adviceFor(code: number, { url, user, database, cluster }: Place): string | undefined {
  switch (code) {
    case 192:
    case 193:
    case 194:
    case 516:
      return `${url} does not know user ${user} with this password: check store.user and store.password`
    case 497:
    case 164:
      return `user ${user} may not do this on ${url}: grant it the rights on database ${database} that docs/deploy.md lists`
    case 81:
      return `database ${database} does not exist on ${url}: create it with "CREATE DATABASE ${database}", or set store.database`
    case 60:
      return `a table is missing in database ${database} on ${url}: let a halfshake that may create tables start once`
    case 16:
    case 10:
    case 47:
      return `database ${database} on ${url} has tables of another halfshake: run the version that created them, or choose another store.database`
    case 170:
    case 701:
      return `${url} has no cluster ${cluster ?? ''}: define it under remote_servers there, or set store.cluster`
    case 139:
      return `${url} lacks the macros that the cluster needs: define shard and replica under macros there`
    default:
      return undefined
  }
}

function certificateError(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return CERTIFICATE.test(code) ? code : undefined
}
