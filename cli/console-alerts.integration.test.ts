import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startReceiver } from '../alerts/testing/receiver.ts'
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
  readAsnRanges,
} from '../lab/simulator/index.ts'
import { createPipeline } from './pipeline.ts'
import { readerConnections } from './reader-connections.ts'
import { axeFindings, launchBrowser, meterOf, overflow } from './testing/browser.ts'

const HISTORY_MS = 3 * 3_600_000
/** Long enough that chance does not decide whether it is found. */
const BROKEN_FOR_MS = 20 * MINUTE_MS
/** All that a reader's browser loads for every page of the console, in bytes. */
const BUDGET = 150_000
const SOON_MS = 60_000

const stop = new AbortController()
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let receiver: Awaited<ReturnType<typeof startReceiver>>
let running: Awaited<ReturnType<typeof startAll>>
let browser: Browser
let url: string
let victim: string
const complaints: string[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
  receiver = await startReceiver()
  browser = await launchBrowser()
  const now = Date.now()
  const population = createPopulation({ ranges: readAsnRanges() })
  const traffic = createTraffic({ population, incidents: [{ from: now - BROKEN_FOR_MS }], idPrefix: 'muted' })
  victim = `AS${population.victim.asn}`
  const log = createLogger({ level: 'error' })
  const parsed = parseConfig({
    env: {
      HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      HALFSHAKE_DATA_FOLDER: folder.path,
      HALFSHAKE_ALERTS_RECEIVERS: `[{ name: ops, type: webhook, url: "${receiver.url}" }]`,
    },
  })
  if (!parsed.ok) throw new Error('the configuration is refused')
  const pipeline = createPipeline({
    config: parsed.config,
    log,
    readers: readerConnections({}),
    onDeath: (name, error) => log.error({ name, error: String(error) }, 'died'),
    // The silence is there before anything is judged, so that the first message is muted.
    beforeDetector: async (served) => {
      url = served
      const feeder = createFeeder({ url, epoch: now * 1_000, signal: stop.signal })
      await createFeed({ traffic, feeder, from: now - HISTORY_MS }).advance(now)
      await silenceTheVictim()
    },
  })
  running = await startAll(pipeline.components, { log })
}, 240_000)

afterAll(async () => {
  stop.abort()
  await browser?.close()
  await running?.stop()
  await receiver?.close()
  await folder?.remove()
}, 60_000)

afterEach(async () => {
  for (const context of browser.contexts()) await context.close()
  // None of all this broke a script or the policy.
  expect(complaints).toEqual([])
})

/** From the network's page, as a person would. */
async function silenceTheVictim(): Promise<void> {
  const page = await open(`#/networks/${victim}`)
  await page.getByRole('link', { name: 'Silence its alerts' }).click()
  expect(await page.getByLabel('AS numbers').inputValue()).toBe(victim)
  await page.getByText('Names no alert that fires now.').waitFor()
  await page.getByLabel('Your name').fill('ada')
  await page.getByLabel('Why, for those who wonder').fill('they replace the firewall')
  await page.locator('[name=for]').selectOption({ label: '4 hours' })
  await page.getByRole('button', { name: 'Silence', exact: true }).click()
  await page.getByText(/^Silenced until .*: it names 0 alerts/).waitFor()
  await page.context().close()
}

async function open(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(`${url}/${hash}`)
  await page.locator('#state', { hasText: 'data up to' }).waitFor()
  return page
}

const messages = () => receiver.received.map(({ body }) => body as { status: string; title: string })

describe('a silence', () => {
  test('mutes the message while the alert fires, and lets it go when it is ended', async () => {
    const page = await open('#/alerts')
    const card = page.locator('article', { hasText: victim })
    await card.waitFor({ timeout: SOON_MS })
    await card.getByText(/^Silenced by ada until .*: they replace the firewall/).waitFor()
    await card.getByText('No message was sent: a silence holds it back.').waitFor()
    expect(messages()).toEqual([])
    await page.getByRole('link', { name: 'Silences' }).first().click()
    await page.getByText('Holds messages back').waitFor()
    await page.getByRole('button', { name: `End the silence of ${victim}` }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByLabel('Your name').inputValue()).toBe('')
    await dialog.getByLabel('Your name').fill('bob')
    await dialog.getByLabel('Why').fill('it is back')
    await dialog.getByRole('button', { name: 'End it' }).click()
    await page.getByText('Nothing is silenced.').waitFor()
    await page.getByText('1 silence that is over').click()
    await page.getByRole('row', { name: /it is back/ }).waitFor()
    await expect
      .poll(messages, { timeout: SOON_MS })
      .toMatchObject([{ status: 'firing', title: expect.stringContaining(victim) }])
    await page.getByRole('link', { name: 'Alerts', exact: true }).click()
    await card.getByText(/to ops: that it fires, delivered/).waitFor({ timeout: SOON_MS })
    expect(await card.getByText('Silenced').count()).toBe(0)
  }, 180_000)

  test('is made from an alert, for hours of the week, from a day to come on, by keyboard alone', async () => {
    const page = await open('#/alerts')
    await page.getByRole('link', { name: /^Silence alerts about/ }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('Names 1 alert of those that fire now.').waitFor()
    expect(await page.getByLabel('Rules, by id').inputValue()).toBe('any-network-diverges')
    await page.getByLabel('Your name').focus()
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type('maintenance, <every> week')
    await page.locator('[name=for]').focus()
    await page.keyboard.press('End')
    const next = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 11)
    await page.getByLabel('Until', { exact: true }).fill(`${next}12:00`)
    await page.getByLabel('From, if not').fill(`${next}10:00`)
    await page.getByText('Only in some hours').focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Mon').focus()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Silence', exact: true }).focus()
    await page.keyboard.press('Enter')
    const row = page.getByRole('row', { name: /maintenance, <every> week/ })
    await row.waitFor()
    const text = await row.textContent()
    expect(text).toContain(`rule any-network-diverges, ${victim}`)
    expect(text).toMatch(/From .* on/)
    expect(text).toContain('only Mon 02:00 to 04:00')
  })

  test('that names nothing is refused in the words of the server, and what was written stays', async () => {
    const page = await open('#/silences')
    await page.getByLabel('Your name').fill('ada')
    await page.getByLabel('Why, for those who wonder').fill('all quiet')
    await page.getByRole('button', { name: 'Silence', exact: true }).click()
    await page
      .getByRole('alert')
      .getByText(/^No alerts are named: at least one of rule, /)
      .waitFor()
    expect(await page.getByLabel('Why, for those who wonder').inputValue()).toBe('all quiet')
  })
})

describe('an alert', () => {
  test('is acknowledged in a dialog, to which nothing that is read anew is lost', async () => {
    const page = await open('#/alerts')
    const button = page.getByRole('button', { name: /^Acknowledge the alert about/ })
    await button.click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Your name').fill('ada')
    await dialog.getByLabel('Note for the others').fill('looking')
    await page.waitForResponse((response) => response.url().endsWith('/v1/alerts'))
    expect(await axeFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText(/^Acknowledged by ada at .*: looking$/).waitFor()
    await page.locator(':focus', { hasText: /^Acknowledge/ }).waitFor()
    // Another may not take it over: the server says who was first.
    await button.click()
    await dialog.getByLabel('Your name').fill('bob')
    await dialog.getByRole('button', { name: 'Acknowledge' }).click()
    await dialog
      .getByRole('alert')
      .getByText(/was acknowledged at .* by ada, .*: looking; that stands\.$/)
      .waitFor()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
  })
})

describe.each([
  ['alerts', '#/alerts'],
  ['silences', '#/silences?asn=AS64500'],
])('the page of %s', (_name, hash) => {
  test.each(['light', 'dark'] as const)(
    'leaves axe nothing to find, and fits on 360 pixels, %s',
    async (colorScheme) => {
      const page = await open(hash, { colorScheme, viewport: { width: 360, height: 740 } })
      await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
      expect(await axeFindings(page)).toEqual([])
      expect(await overflow(page)).toBeLessThanOrEqual(0)
    },
  )

  test('says what it does not know, without the server', async () => {
    const page = await open('#/')
    await page.context().setOffline(true)
    await page.evaluate(`location.hash = '${hash}'`)
    await page.getByText('Not known.').first().waitFor()
    expect(await axeFindings(page)).toEqual([])
  })
})

test('all pages together weigh little, and come from this server alone', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const meter = await meterOf(context, page)
  await page.goto(`${url}/#/`)
  await page.locator('article h3').getByRole('link').click()
  await page.locator('section[aria-labelledby=rate] canvas').waitFor()
  await page.locator('#latest ~ div td').first().waitFor()
  await page.getByRole('link', { name: 'Incident: minutes' }).click()
  await page.locator('section[aria-labelledby=minutes] canvas').waitFor()
  for (const name of ['Alerts', 'Silences']) {
    await page.locator('.top').getByRole('link', { name, exact: true }).click()
    await page.locator('#state', { hasText: 'data up to' }).waitFor()
  }
  // The browser's own pictures, of a calendar and a clock, are no requests to anybody.
  const asked = meter.urls.filter((address) => !address.startsWith('data:'))
  expect(asked.filter((address) => !address.startsWith(url))).toEqual([])
  expect(meter.bytes()).toBeGreaterThan(60_000)
  expect(meter.bytes()).toBeLessThan(BUDGET)
  await context.close()
})
