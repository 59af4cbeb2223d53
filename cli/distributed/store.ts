import type { Config } from '../../core/runtime/config.ts'
import type { Logger } from '../../core/runtime/log.ts'
import { createServerStore, type ServerStore, type ServerStoreOptions } from '../../core/store/server.ts'
import { fileText, passwordOf } from '../file-text.ts'
import { retentionOf } from '../retention.ts'
import { UserError } from '../user-error.ts'

/** The store at the configured server; files are read now. */
export function createConfiguredServerStore(config: Config, log: Logger): ServerStore {
  const { url, user, database, cluster, password, password_file: file } = config.store
  if (url === undefined) {
    throw new UserError(
      'store.url is not set: name a ClickHouse server, or start "halfshake store" and set it to http://127.0.0.1:8123',
    )
  }
  return createServerStore({
    url,
    user,
    database,
    password: passwordOf('store.password', { password, file }) ?? '',
    ...(cluster === undefined ? {} : { cluster }),
    ...tlsOf(config.store),
    retention: retentionOf(config),
    log,
  })
}

function tlsOf({ tls_ca, tls_cert, tls_key }: Config['store']): Pick<ServerStoreOptions, 'tls'> {
  if (tls_ca === undefined) return {}
  const read = (setting: string, path: string) => Buffer.from(fileText(setting, path))
  const ca = read('store.tls_ca', tls_ca)
  if (tls_cert === undefined || tls_key === undefined) return { tls: { ca } }
  return { tls: { ca, cert: read('store.tls_cert', tls_cert), key: read('store.tls_key', tls_key) } }
}
