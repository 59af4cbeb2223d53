/**
 * Makes the pictures of the console in docs/ from the demo: `npx tsx scripts/make-pictures.ts`. It starts the demo on a
 * free port, waits until the broken network is found, and photographs what a browser shows.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { launchBrowser } from '../cli/testing/browser.ts'

const ROOT = join(import.meta.dirname, '..')
const SIZE = { width: 1_200, height: 1_100 }
/** A picture larger than this makes the README slow to load. */
const LARGEST_BYTES = 300_000

const demo = spawn(join(ROOT, 'bin/halfshake'), ['demo', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = once(demo, 'exit')
try {
  const url = await urlOf(createInterface({ input: demo.stdout }))
  await photograph(url)
} finally {
  demo.kill('SIGTERM')
  await ended
}

/** The address that the demo prints when it has found the broken network. */
async function urlOf(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const [, found] = /^\s+(http:\/\/\S+)\/\s+the page$/.exec(line) ?? []
    if (found !== undefined) return found
  }
  throw new Error('the demo ended before it had found the broken network')
}

async function photograph(url: string): Promise<void> {
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage({ viewport: SIZE, timezoneId: 'UTC', locale: 'en-GB' })
    await page.goto(`${url}/`)
    await page.locator('article').waitFor()
    await save(page, 'overview.png')
    await page.locator('article h3').getByRole('link').click()
    await page.locator('section[aria-labelledby=causes] canvas').waitFor()
    await save(page, 'network.png')
    await page.getByRole('link', { name: 'Incident: minutes' }).click()
    await page.locator('section[aria-labelledby=minutes] canvas').waitFor()
    await page.locator('section[aria-labelledby=history] td').first().waitFor()
    await save(page, 'incident.png')
  } finally {
    await browser.close()
  }
}

async function save(
  page: { screenshot(options: { path: string }): Promise<unknown> },
  name: string,
): Promise<void> {
  const path = join(ROOT, 'docs', name)
  await page.screenshot({ path })
  const { size } = statSync(path)
  if (size > LARGEST_BYTES) throw new Error(`docs/${name} has ${size} bytes, more than ${LARGEST_BYTES}`)
  console.log(`docs/${name}: ${size} bytes`)
}
