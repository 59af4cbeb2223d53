import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../core/runtime/config.ts'
import { startAll } from '../core/runtime/lifecycle.ts'
import { createLogger } from '../core/runtime/log.ts'
import { temporaryFolder } from '../core/store/testing.ts'
import {
  createFeed,
  createFeeder,
  createPopulation,
  createTraffic,
  MINUTE_MS,
  type Population,
  readAsnRanges,
} from '../lab/simulator/index.ts'
import { createPipeline } from './pipeline.ts'
import { readerConnections } from './reader-connections.ts'
import { axeFindings, launchBrowser, meterOf, overflow } from './testing/browser.ts'

const HISTORY_MS = 3 * 3_600_000
/** Long enough that chance does not decide whether it is found. */
const BROKEN_FOR_MS = 20 * MINUTE_MS
/** All that a reader's browser loads for both pages, in bytes. */
const BUDGET = 150_000
const SOON_MS = 30_000

const stop = new AbortController()
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let running: Awaited<ReturnType<typeof startAll>>
let url: string
let victim: { asn: number; name: string }
/** A part of the largest network that has a name of its own. */
let customer: { asn: number; prefix: string; label: string }
let browser: Browser
/** A page that was open before anything was reported, and is never loaded again. */
let patient: Page

beforeAll(async () => {
  folder = await temporaryFolder()
  browser = await launchBrowser()
  const now = Date.now()
  const population = createPopulation({ ranges: readAsnRanges() })
  const traffic = createTraffic({ population, incidents: [{ from: now - BROKEN_FOR_MS }], idPrefix: 'seen' })
  const log = createLogger({ level: 'error' })
  const networksFile = join(folder.path, 'networks.csv')
  customer = customerOf(population)
  await writeFile(networksFile, `prefix,label\n${customer.prefix},${customer.label}\n`)
  const parsed = parseConfig({
    env: {
      HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      HALFSHAKE_DATA_FOLDER: folder.path,
      HALFSHAKE_ENRICHER_NETWORKS: networksFile,
    },
  })
  if (!parsed.ok) throw new Error('the configuration is refused')
  const pipeline = createPipeline({
    config: parsed.config,
    log,
    readers: readerConnections({}),
    onDeath: (name, error) => log.error({ name, error: String(error) }, 'died'),
    beforeDetector: async (served) => {
      url = served
      patient = await open('#/')
      await patient.getByText('No handshake was reported yet.').waitFor()
      await patient.evaluate('window.loadedOnce = true')
      const feeder = createFeeder({ url, epoch: now * 1_000, signal: stop.signal })
      await createFeed({ traffic, feeder, from: now - HISTORY_MS }).advance(now)
    },
  })
  running = await startAll(pipeline.components, { log })
  victim = { asn: population.victim.asn, name: `AS${population.victim.asn}` }
}, 240_000)

afterAll(async () => {
  stop.abort()
  await browser?.close()
  await running?.stop()
  await folder?.remove()
}, 60_000)

function customerOf({ networks }: Population) {
  const [largest] = networks
  const address = largest?.clients.find((client) => client.address.includes('.'))?.address
  if (largest === undefined || address === undefined) throw new Error('the largest network has no IPv4')
  return { asn: largest.asn, prefix: address.replace(/\d+$/, '0/24'), label: 'Customer A' }
}

/** The console in a browser of its own. Whatever it complains of fails the test that looks at `complaints`. */
async function open(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(`${url}/${hash}`)
  return page
}
const complaints: string[] = []

const networkHash = () => `#/networks/${victim.name}`
const upToDate = (page: Page) => page.locator('#state', { hasText: 'Data up to' }).waitFor()

async function ready(hash: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await open(hash, options)
  await upToDate(page)
  return page
}

async function api<Body>(path: string): Promise<Body> {
  return (await (await fetch(`${url}${path}`)).json()) as Body
}

const PAGES = [
  ['the overview', () => '#/'],
  ["a network's page", networkHash],
] as const

describe('what diverges', () => {
  test('comes up on a page that was open before, with its sentence, cause and advice', async () => {
    const card = patient.locator('article', { hasText: victim.name })
    await card.waitFor({ timeout: SOON_MS })
    expect(await patient.evaluate('window.loadedOnce')).toBe(true)
    const text = (await card.textContent()) ?? ''
    expect(text).toMatch(/of clients' handshakes fail, at most/)
    expect(text).toContain('MTU hole, client to server')
    expect(text).toContain('advmss')
    expect(text).toContain('Affected prefixes')
    expect(await patient.title()).toBe('(1) Halfshake')
    await patient.context().close()
  })

  test('leads to the page of the network, which says the cause and has the figures of the API', async () => {
    const page = await ready('#/')
    await page.locator('article h3').getByRole('link').click()
    await page.getByRole('heading', { name: new RegExp(`^${victim.name} `) }).waitFor()
    await page.locator('.cause summary', { hasText: 'MTU hole, client to server' }).waitFor()
    await page.getByRole('link', { name: '1 hour' }).click()
    // What is stored of its past before the hour is what it is compared with.
    await page.locator('.tiles', { hasText: /Own past, 7 days\d/ }).waitFor()
    await page.getByText(/% to .* in 9 of 10 steps\)/).waitFor()
    // The window moves on with the minute: page and API are asked again until they have the same one.
    await expect.poll(() => figuresMissing(page), { timeout: SOON_MS }).toEqual([])
    await page.locator('#latest ~ div td', { hasText: 'held back out of order' }).first().waitFor()
    await page.context().close()
  })

  async function figuresMissing(page: Page): Promise<string[]> {
    const figures = await api<Record<string, number>>(`/v1/networks/${victim.asn}?from=-1h`)
    const shown = (await page.locator('.tiles').textContent()) ?? ''
    const rate = (name: string) => `${((figures[name] ?? Number.NaN) * 100).toFixed(1)}\u00a0%`
    const count = (name: string) => figures[name]?.toLocaleString('en-US') ?? `no ${name}`
    const expected = [
      ...['success_rate', 'baseline_success_rate', 'world_success_rate'].map(rate),
      ...['handshakes', 'failed', 'failed_clients'].map(count),
    ]
    return expected.filter((figure) => !shown.includes(figure))
  }

  test('is drawn, and told as a table beside it', async () => {
    const page = await ready(networkHash())
    for (const [name, ink] of [
      ['rate', OWN_RATE],
      ['causes', MTU_INBOUND],
    ] as const) {
      const figure = page.locator(`section[aria-labelledby=${name}] figure`)
      await figure.locator('canvas').waitFor()
      expect(await painted(page, name, ink), name).toBeGreaterThan(100)
      await figure.getByText('As a table').click()
      expect(await figure.locator('tbody tr').count(), name).toBeGreaterThan(30)
    }
    await page.context().close()
  })
})

/** Colours of the light theme, by meaning: the network's own rate, and the cause of the victim's failures. */
const OWN_RATE = [0x1d, 0x6f, 0xb8]
const MTU_INBOUND = [0xd5, 0x5e, 0x00]

/** How many pixels of a section's chart have a colour. */
async function painted(page: Page, section: string, [red, green, blue]: readonly number[]): Promise<number> {
  return (await page.evaluate(`(() => {
    const canvas = document.querySelector('section[aria-labelledby=${section}] canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let found = 0
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === ${red} && data[i + 1] === ${green} && data[i + 2] === ${blue}) found += 1
    }
    return found
  })()`)) as number
}

describe('the table of networks', () => {
  test('finds a network by number, name, and prefix', async () => {
    const page = await ready('#/')
    const { network } = await api<{ network: string }>(`/v1/networks/${victim.asn}`)
    const { items } = await api<{ items: { prefix: string }[] }>(`/v1/networks/${victim.asn}/prefixes`)
    const rows = page.locator('.networks tbody tr')
    for (const search of [String(victim.asn), network, items[0]?.prefix ?? '']) {
      await page.getByRole('searchbox').fill('nobody has this name')
      await page.getByText('No network in this window meets this.').waitFor()
      await page.getByRole('searchbox').fill(search)
      await rows.filter({ hasText: victim.name }).waitFor()
      expect(await rows.count(), search).toBeLessThan(5)
    }
    await page.context().close()
  })

  test('finds a part of a network by its label, and leads to its page and to that of the whole', async () => {
    const page = await ready('#/')
    await page.getByRole('searchbox').fill('customer')
    const row = page.locator('.networks tbody tr', { hasText: `(${customer.label})` })
    await row.waitFor()
    await row.getByRole('link').click()
    const tile = page.locator('.tile', { has: page.getByText('Handshakes', { exact: true }) })
    const isShown = async (query: string) => {
      const answer = await api<{ handshakes: number }>(`/v1/networks/${customer.asn}?from=-3h${query}`)
      return (await tile.textContent())?.includes(answer.handshakes.toLocaleString('en-US'))
    }
    await expect.poll(() => isShown('&label=Customer%20A'), { timeout: SOON_MS }).toBe(true)
    await page.getByRole('link', { name: 'all', exact: true }).click()
    await expect.poll(() => isShown(''), { timeout: SOON_MS }).toBe(true)
    await page.context().close()
  })

  test('is narrowed down to the networks that mostly fail of one cause', async () => {
    const page = await ready('#/')
    const { items } = await api<{ items: unknown[] }>('/v1/networks?cause=mtu_inbound')
    await page.getByLabel('Main cause').selectOption({ label: 'MTU hole, client to server' })
    const rows = page.locator('.networks tbody tr')
    await expect.poll(() => rows.count(), { timeout: SOON_MS }).toBeLessThan(25)
    expect(await rows.count()).toBe(items.length)
    expect(await rows.first().textContent()).toContain(victim.name)
    await page.context().close()
  })

  test('is sorted by its heads', async () => {
    const page = await ready('#/')
    const head = page.getByRole('columnheader', { name: 'Handshakes' })
    await head.getByRole('button').click()
    await page.locator('th[aria-sort=descending]', { hasText: 'Handshakes' }).waitFor()
    const largest = await api<{ items: { asn: number }[] }>('/v1/networks?limit=1')
    const first = page.locator('.networks tbody tr').first()
    await first.filter({ hasText: `AS${largest.items[0]?.asn}` }).waitFor()
    await head.getByRole('button').click()
    await page.locator('th[aria-sort=ascending]', { hasText: 'Handshakes' }).waitFor()
    await page.context().close()
  })
})

describe.each(PAGES)('%s', (_name, hash) => {
  test.each(['light', 'dark'] as const)('leaves axe nothing to find, %s', async (colorScheme) => {
    const page = await ready(hash(), { colorScheme })
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    expect(await axeFindings(page)).toEqual([])
    await page.context().close()
  })

  test('fits on 360 pixels', async () => {
    const page = await ready(hash(), { viewport: { width: 360, height: 740 } })
    expect(await overflow(page)).toBeLessThanOrEqual(0)
    await page.context().close()
  })
})

describe('by keyboard alone', () => {
  test('the network is reached, and what has the focus is seen', async () => {
    const page = await ready('#/')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toMatchObject({ text: 'Skip to the content', seen: true })
    await page.keyboard.press('Enter')
    expect(await focused(page)).toMatchObject({ text: 'Diverging now', seen: true })
    await page.keyboard.press('Tab')
    expect(await focused(page)).toMatchObject({ text: expect.stringContaining(victim.name), seen: true })
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: new RegExp(`^${victim.name}`) }).waitFor()
    await upToDate(page)
    expect(await focused(page)).toMatchObject({ text: expect.stringContaining(victim.name) })
    let stops = 0
    for (;;) {
      await page.keyboard.press('Tab')
      const found = await focused(page)
      // After the last stop the browser's own controls come, and then the page again.
      if (found.html.startsWith('<body')) break
      expect(found.seen, found.html).toBe(true)
      stops += 1
    }
    expect(stops).toBeGreaterThan(20)
    await page.context().close()
  })

  test('the focus stays where it is when the page is read anew', async () => {
    const page = await ready('#/')
    const link = page.locator('.networks tbody a').nth(3)
    const text = await link.textContent()
    await link.focus()
    await page.waitForResponse((response) => response.url().includes('/v1/networks?'))
    await page.waitForTimeout(500)
    expect(await focused(page)).toMatchObject({ text })
    await page.context().close()
  })
})

type Focused = { html: string; text: string; seen: boolean }

async function focused(page: Page): Promise<Focused> {
  return (await page.evaluate(`(() => {
    const style = getComputedStyle(document.activeElement)
    const { width, left } = document.activeElement.getBoundingClientRect()
    return {
      html: document.activeElement.outerHTML.slice(0, 120),
      text: document.activeElement.textContent.trim(),
      seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && width > 0 && left >= 0,
    }
  })()`)) as Focused
}

describe('times', () => {
  test("are in the visitor's zone, with UTC as their title", async () => {
    const page = await ready('#/', { timezoneId: 'Asia/Tokyo', locale: 'de-DE' })
    const time = page.locator('.since time')
    const at = new Date((await time.getAttribute('datetime')) ?? '')
    const shown = at.toLocaleTimeString('de-DE', {
      timeZone: 'Asia/Tokyo',
      hour: '2-digit',
      minute: '2-digit',
    })
    expect(await time.textContent()).toContain(shown)
    expect(await time.getAttribute('title')).toBe(`${at.toISOString().replace('T', ' ').slice(0, 19)} UTC`)
    await page.context().close()
  })
})

describe('over the wire', () => {
  test('both pages together weigh little, and come from this server alone', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const meter = await meterOf(context, page)
    await page.goto(`${url}/#/`)
    await upToDate(page)
    await page.locator('article h3').getByRole('link').click()
    await page.locator('section[aria-labelledby=rate] canvas').waitFor()
    await page.locator('#latest ~ div td').first().waitFor()
    expect(meter.urls.length).toBeGreaterThan(20)
    expect(meter.urls.filter((address) => !address.startsWith(url))).toEqual([])
    expect(meter.bytes()).toBeGreaterThan(30_000)
    expect(meter.bytes()).toBeLessThan(BUDGET)
    await context.close()
  })

  test('nothing is asked while the page is not seen', async () => {
    const page = await ready('#/')
    const hide = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    await hide(true)
    let requests = 0
    page.on('request', () => {
      requests += 1
    })
    await page.waitForTimeout(11_000)
    expect(requests).toBe(0)
    const asked = page.waitForRequest((request) => request.url().includes('/v1/divergences'))
    await hide(false)
    await asked
    await page.context().close()
  })
})

describe('when something is missing', () => {
  test('a network that was never seen is said to be so', async () => {
    const page = await open('#/networks/AS64500')
    await page.getByText('No handshake of AS64500 is stored.').waitFor()
    expect(await page.locator('section:visible').count()).toBe(0)
    await page.context().close()
  })

  test('a refusal of the server is told in its words', async () => {
    const page = await open('about:blank')
    await page.route('**/v1/divergences', (route) =>
      route.fulfill({ status: 503, json: { detail: 'the store cannot answer now' } }),
    )
    await page.goto(`${url}/#/`)
    await page.getByRole('alert').getByText('the store cannot answer now').waitFor()
    await page.context().close()
  })

  test('without the server what was shown stays and is said to be old, until the server is back', async () => {
    const page = await ready('#/')
    await page.context().setOffline(true)
    const alert = page.getByRole('alert')
    await alert.getByText('The server cannot be reached.').waitFor({ timeout: SOON_MS })
    expect(await alert.textContent()).toContain('What is shown is from')
    expect(await page.locator('#state').textContent()).toBe('Not up to date')
    expect(await page.locator('article').count()).toBe(1)
    await page.locator('article h3').getByRole('link').click()
    await page.locator('#view').getByText('Not known.').first().waitFor()
    expect(await axeFindings(page)).toEqual([])
    await page.context().setOffline(false)
    await upToDate(page)
    expect(await alert.textContent()).toBe('')
    await page.context().close()
  })

  test('an incident is closed by hand, which the detector does and the page shows', async () => {
    const page = await ready('#/')
    await page.getByRole('link', { name: 'Incident: minutes' }).click()
    await page.getByText('Close by hand').click()
    const box = page.locator('.card', { has: page.getByRole('heading', { name: 'Closing' }) })
    await box.getByLabel('Your name').fill('ada')
    await box.getByLabel('Why it is over').fill('a rule of ours, taken back')
    await box.getByRole('button').click()
    await page.locator('.badge', { hasText: 'Over' }).waitFor({ timeout: SOON_MS })
    await box.getByText('Closed by hand at').waitFor()
    await page.locator('#history ~ div tr', { hasText: 'a rule of ours, taken back' }).waitFor()
    await page.context().close()
  })

  test('and nothing of all this broke a script or the policy', () => {
    expect(complaints).toEqual([])
  })
})
