import { isIP } from 'node:net'
import { connect, type PeerCertificate, rootCertificates, type TLSSocket } from 'node:tls'
import type { Target } from './hello-probe.ts'
import { isAcknowledged, kernelFacts } from './kernel-facts.ts'

/** A whole handshake, and data both ways behind it. */
export type Session =
  | { kind: 'failed'; ms: number; error: string }
  | {
      kind: 'established'
      ms: number
      version: string
      cipher: string
      issuer: string
      validTo: string
      /** Why this machine does not trust the certificate; undefined when it does. */
      distrust: string | undefined
      /** 6 kB towards the server. */
      upload: 'arrived' | 'stuck' | 'unknown'
      /** What was answered: to its end, or not, though something of it arrived. */
      download: 'complete' | 'stuck' | 'unknown'
      /** Bytes of the answer. */
      received: number
      /** The first line of an answer over HTTP. */
      answered: string | undefined
    }

/** Several full-size segments, and within what servers take of a header (8 kB). */
const UPLOAD_BYTES = 6_000
const MAX_DOWNLOAD = 1_000_000

/** `ca`: authorities to trust besides the usual ones, PEM. Never rejects. */
export function openSession(
  { address, port, serverName }: Target,
  { ca, patience }: { ca: string | undefined; patience: number },
): Promise<Session> {
  const started = Date.now()
  const ms = () => Date.now() - started
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      ALPNProtocols: ['http/1.1'],
      // What is wrong with it is reported, and nothing secret is sent.
      rejectUnauthorized: false,
    })
    const end = (session: Session) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(session)
    }
    const timer = setTimeout(
      () => end({ kind: 'failed', ms: ms(), error: `nothing after ${patience} ms` }),
      patience,
    )
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end({ kind: 'failed', ms: ms(), error: error.code ?? error.message }),
    )
    socket.on('end', () => end({ kind: 'failed', ms: ms(), error: 'the server hung up' }))
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      const established = ms()
      // Before the data: a session that is over says no more about itself.
      const about = aboutSession(socket)
      void transfer(socket, serverName, patience).then((data) =>
        end({ kind: 'established', ms: established, ...about, ...data }),
      )
    })
  })
}

function aboutSession(socket: TLSSocket) {
  const { issuer, valid_to } = socket.getPeerCertificate() as Partial<PeerCertificate>
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    issuer: [issuer?.O, issuer?.CN].flat().filter(Boolean).join(', '),
    validTo: valid_to ?? '',
    // An Error as its type says, a code as it is.
    distrust: socket.authorized ? undefined : String(socket.authorizationError),
  }
}

type Transfer = Pick<
  Extract<Session, { kind: 'established' }>,
  'upload' | 'download' | 'received' | 'answered'
>

/** A request with a long header, whose answer shows that it arrived; whoever speaks no HTTP may still acknowledge it. */
async function transfer(socket: TLSSocket, serverName: string, patience: number): Promise<Transfer> {
  socket.removeAllListeners('error').removeAllListeners('end')
  const padding = 'x'.repeat(UPLOAD_BYTES)
  const lines = [
    'GET / HTTP/1.1',
    `Host: ${serverName}`,
    'User-Agent: halfshake-doctor',
    `X-Padding: ${padding}`,
    'Connection: close',
  ]
  let text = ''
  let bytes = 0
  const ended = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), patience)
    const done = () => {
      clearTimeout(timer)
      resolve(true)
    }
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (text.length < 200) text += chunk.toString('latin1', 0, 200)
      if (bytes > MAX_DOWNLOAD) done()
    })
    socket.on('end', done)
    socket.on('error', done)
    socket.on('close', done)
  })
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const complete = await ended
  const kernel = await kernelFacts(socket)
  const [answered] = /^HTTP\/1\.[01] \d{3}[^\r\n]*/.exec(text) ?? []
  const acknowledged = bytes > 0 ? true : await isAcknowledged(socket)
  const upload = acknowledged === undefined ? 'unknown' : acknowledged ? 'arrived' : 'stuck'
  // Segments that came with something missing before them, which never came: their answer hangs.
  const hangs = !complete && (bytes > 0 || (kernel?.tcp_ooo ?? 0) > 0)
  const download = hangs ? 'stuck' : bytes > 0 ? 'complete' : 'unknown'
  return { upload, download, received: bytes, answered }
}
