import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

/** Debian's Chromium; scripts/test installs it. */
const CHROMIUM = '/usr/bin/chromium'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A real browser with a profile of its own, which is removed with it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
}

/** What axe has against the page as it is, a line for each element; empty when it finds nothing. */
export async function axeFindings(page: Page): Promise<string[]> {
  // Evaluated, not added as a script: the page's policy allows none of another origin.
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate('axe.run(document)')) as {
    violations: { id: string; help: string; nodes: { html: string }[] }[]
  }
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`))
}

/** Everything the context's pages load from now on: addresses, and bytes over the wire, headers included. */
export async function meterOf(context: BrowserContext, page: Page) {
  const urls: string[] = []
  let bytes = 0
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  session.on('Network.requestWillBeSent', ({ request }) => urls.push(request.url))
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength
  })
  return { urls, bytes: () => bytes }
}

/** Whether the page is wider than the window: it would scroll sideways. */
export async function overflow(page: Page): Promise<number> {
  return (await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number
}
