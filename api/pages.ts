import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type RequestHandler, Router } from 'express'
import { takesGzip } from './compression.ts'

const FOLDER = join(import.meta.dirname, 'public')
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'))

/** Path to file: nothing else is served. */
const FILES: Record<string, string> = {
  '/': ours('index.html'),
  '/docs': ours('docs.html'),
  '/favicon.svg': ours('favicon.svg'),
  ...assets('base.css', 'tables.css', 'console.css', 'lists.css', 'network.css', 'forms.css', 'docs.css'),
  ...assets('app.js', 'live.js', 'events.js', 'event-parser.js', 'freshness.js', 'location.js'),
  ...assets('client.js', 'token.js', 'dom.js', 'forms.js', 'format.js', 'labels.js'),
  ...assets('overview.js', 'incidents.js', 'past-incidents.js', 'world.js', 'pipeline.js'),
  ...assets('networks.js', 'networks-controls.js', 'networks-rows.js'),
  ...assets(
    'incident.js',
    'incident-parts.js',
    'incident-chart.js',
    'incident-history.js',
    'incident-orders.js',
  ),
  ...assets('network.js', 'network-figures.js', 'network-causes.js', 'network-tables.js', 'network-links.js'),
  ...assets('alerts.js', 'alert-card.js', 'alert-history.js', 'alert-messages.js', 'alert-parts.js'),
  ...assets('silences.js', 'silence-form.js', 'silence-list.js', 'silence-parts.js', 'silence-weekly.js'),
  ...assets('chart.js', 'shading.js', 'sparkline.js', 'action-dialog.js'),
  ...assets('docs.js', 'schema.js'),
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
  const body = Buffer.concat([readFileSync(file), Buffer.from(AFTER[path] ?? '')])
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

function ours(file: string): string {
  return join(FOLDER, file)
}

function assets(...files: string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [`/assets/${file}`, ours(file)]))
}
