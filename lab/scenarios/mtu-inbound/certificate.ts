import { join } from 'node:path'
import { runCommand } from '../../network/index.ts'

/**
 * Makes a key and a certificate that signs itself. ECDSA, so that the server's answer fits the narrow path in one
 * piece: only the way in is to break.
 */
export async function createCertificate(
  folder: string,
  serverName: string,
): Promise<{ key: string; cert: string }> {
  const key = join(folder, 'key.pem')
  const cert = join(folder, 'cert.pem')
  await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${serverName}`, '-addext', `subjectAltName=DNS:${serverName}`],
    ...['-keyout', key, '-out', cert],
  ])
  return { key, cert }
}
