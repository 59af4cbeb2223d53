import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type RequestHandler, Router } from 'express'
import { takesGzip } from './compression.ts'

const FOLDER = join(import.meta.dirname, 'public')
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'))

/** Path to file: nothing else is served. */
const FILES: Record<string, string> = {
  '/': join(FOLDER, 'index.html'),
  '/docs': join(FOLDER, 'docs.html'),
  '/favicon.svg': join(FOLDER, 'favicon.svg'),
  ...assetsIn(FOLDER),
  '/assets/uplot.css': join(UPLOT, 'uPlot.min.css'),
  '/assets/uplot.js': join(UPLOT, 'uPlot.iife.min.js'),
}

/** uPlot comes minified only as a script that sets a global; this makes a module of it. */
const AFTER: Record<string, string> = { '/assets/uplot.js': '\nexport default uPlot\n' }

/** Nothing inline, nothing from another host, no frame around it. uPlot sets its styles through the CSSOM, which this allows. */
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

/** The console at / and the API's documentation at /docs: static files that read the API like anyone else. */
export function createPages(): Router {
  const router = Router({ strict: true })
  for (const [path, file] of Object.entries(FILES)) router.get(path, serve(path, file))
  return router
}

/** Read and packed once: the files change with the program only. */
function serve(path: string, file: string): RequestHandler {
  const body = Buffer.from(`${withPreloads(readFileSync(file, 'utf8'))}${AFTER[path] ?? ''}`)
  const zipped = gzipSync(body, { level: 9 })
  // What a page loads is under the policy of the page.
  const isDocument = /\.(html|svg)$/.test(file)
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return (request, response) => {
    const small = takesGzip(request)
    response
      .type(extname(file))
      .vary('Accept-Encoding')
      .set({ 'Cache-Control': 'no-cache', ...(isDocument && { 'Content-Security-Policy': POLICY }) })
      .set('ETag', small ? `"${hash}-gzip"` : `"${hash}"`)
    if (small) response.set('Content-Encoding', 'gzip')
    response.send(small ? zipped : body)
  }
}

/**
 * Names every script that a page will import beside the one it names, so that a browser asks for all at once: found out one
 * after another they would take as many round trips as they are deep.
 */
function withPreloads(text: string): string {
  return text.replace(/^( *)<script type="module" src="([^"]+)"><\/script>/m, (script, indent, entry) => {
    const modules = [...modulesFrom(entry)].filter((path) => path !== entry)
    const links = modules.map((path) => `${indent}<link rel="modulepreload" href="${path}" />\n`)
    return `${links.join('')}${script}`
  })
}

/** The scripts that this one imports, those that they import, and so on; itself first. */
function modulesFrom(entry: string): Set<string> {
  const modules = new Set([entry])
  for (const path of modules) {
    const text = readFileSync(FILES[path] ?? fail(entry, path), 'utf8')
    for (const [, name = ''] of text.matchAll(/^(?:import|export|}).* from '(\.[^']+)'/gm))
      modules.add(new URL(name, `http://here${path}`).pathname)
  }
  return modules
}

function fail(entry: string, path: string): never {
  throw new Error(`${entry} imports ${path}, which is not there`)
}

/** Scripts and styles, listed once: what is put into the folder later is not served. */
function assetsIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(js|css)$/.test(name),
  )
  return Object.fromEntries(names.map((name) => [`/assets/${name}`, join(folder, name)]))
}
