/** What libuv has when nothing else is said; see https://docs.libuv.org/en/v1.x/threadpool.html */
const LIBUV_DEFAULT = 4

/**
 * Queries that the store runs at the same time. Each occupies one of libuv's threads until it ends; the other half is
 * left for files and for ending queries that nobody waits for. bin/halfshake asks for 24.
 */
export function storeQueries(env: Record<string, string | undefined>): number {
  return Math.max(2, Math.floor(Number(env['UV_THREADPOOL_SIZE'] ?? LIBUV_DEFAULT) / 2))
}
