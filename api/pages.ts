import { join } from 'node:path'
import { Router } from 'express'

const FOLDER = join(import.meta.dirname, 'public')

/** Path to file: nothing else in the folder is served. */
const FILES: Record<string, string> = {
  '/': 'index.html',
  '/docs': 'docs.html',
  '/favicon.svg': 'favicon.svg',
  ...assets('base.css', 'docs.css'),
  ...assets('dom.js', 'client.js', 'overview.js', 'incidents.js', 'networks.js', 'network-details.js'),
  ...assets('docs.js', 'schema.js'),
}

/** Nothing inline, nothing from another host, no frame around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The overview at / and the API's documentation at /docs: static files that read the API like anyone else. */
export function createPages(): Router {
  const router = Router({ strict: true })
  for (const [path, file] of Object.entries(FILES)) {
    router.get(path, (_request, response) => {
      response.set({ 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-cache' })
      response.sendFile(file, { root: FOLDER, cacheControl: false })
    })
  }
  return router
}

function assets(...files: string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [`/assets/${file}`, file]))
}
