import { execFile } from 'node:child_process'
import { isIPv6 } from 'node:net'
import { platform } from 'node:os'

/** The largest packet that passes unfragmented, in bytes with its IP header; or why it is not known. */
export type PathMtu = { bytes: number; atLeast: boolean } | { unknown: string }

/** Every link takes these (RFC 8200 section 5; for IPv4 it is what is seen in practice). */
const LEAST = 1_280
const ETHERNET = 1_500
const ICMP_HEADER = 8
const WAIT_SECONDS = 1

/** By echo requests that must not be fragmented, halving what is between the least and the most. Linux alone. */
export async function pathMtu(address: string): Promise<PathMtu> {
  if (platform() !== 'linux') return { unknown: 'measured on Linux alone' }
  const first = await passes(address, LEAST)
  if (first === 'no ping') return { unknown: 'ping is not installed (apt-get install iputils-ping)' }
  if (first === false) return { unknown: 'echo requests are not answered' }
  if ((await passes(address, ETHERNET)) === true) return { bytes: ETHERNET, atLeast: true }
  let [low, high] = [LEAST, ETHERNET]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((await passes(address, middle)) === true) low = middle
    else high = middle
  }
  return { bytes: low, atLeast: false }
}

function passes(address: string, bytes: number): Promise<boolean | 'no ping'> {
  const headers = (isIPv6(address) ? 40 : 20) + ICMP_HEADER
  // A second one, since any packet may be lost.
  const args = ['-c', '2', '-i', '0.2', '-W', String(WAIT_SECONDS), '-M', 'do', '-n', '-q']
  return new Promise((resolve) => {
    execFile('ping', [...args, '-s', String(bytes - headers), address], (error) => {
      if (error === null) resolve(true)
      else resolve(error.code === 'ENOENT' ? 'no ping' : false)
    })
  })
}
