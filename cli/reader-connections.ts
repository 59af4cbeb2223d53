/** What libuv has when nothing else is said; see https://docs.libuv.org/en/v1.x/threadpool.html */
const LIBUV_DEFAULT = 4

/**
 * Connections for reading that leave threads to the rest of the process: each query occupies one of libuv's, and
 * with all of them taken even opening a file waits. bin/halfshake asks for 24.
 */
export function readerConnections(env: Record<string, string | undefined>): number {
  const threads = Number(env['UV_THREADPOOL_SIZE'] ?? LIBUV_DEFAULT)
  return threads >= 16 ? 4 : 1
}
