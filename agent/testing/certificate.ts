import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from './scratch.ts'

export type Certificate = { keyFile: string; certFile: string; key: string; cert: string }

/** A new self-signed ECDSA certificate for localhost, by OpenSSL. */
export function createCertificate(name = 'localhost'): Certificate {
  const folder = scratchFolder('agent-cert')
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile]
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`]
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-days', '30', '-out', certFile], {
    stdio: 'ignore',
  })
  return { keyFile, certFile, key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
}
