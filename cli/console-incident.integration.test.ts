import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { alertRow } from '../api/testing/alerts.ts'
import { handshake } from '../api/testing/handshakes.ts'
import { openIncident } from '../api/testing/incidents.ts'
import { openStore } from '../api/testing/server.ts'
import { createToken, type StoredToken } from '../core/runtime/tokens.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { createChangeTable } from '../detector/change-table.ts'
import type { Incident } from '../detector/incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createOrderTable } from '../detector/order-table.ts'
import { axeFindings, launchBrowser, overflow } from './testing/browser.ts'
import { serveConsole } from './testing/console.ts'

const MINUTE_MS = 60_000
const NOW = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
const ONSET = NOW - 30 * MINUTE_MS
const SHARED = 'shared-20261121T0922'

let opened: Awaited<ReturnType<typeof openStore>>
let browser: Browser
let served: Awaited<ReturnType<typeof serveConsole>>
const complaints: string[] = []

beforeAll(async () => {
  opened = await openStore()
  browser = await launchBrowser()
  const rows = Array.from({ length: 600 }, (_, i) => {
    const decided_at = NOW - 60 * MINUTE_MS + i * 6_000
    const failed = decided_at >= ONSET && i % 2 === 0
    return handshake({ decided_at, source: `192.0.2.${i % 50}`, ...(failed && { outcome: 'failed' }) })
  })
  await opened.store.write([encodeHandshakes(rows)])
})
afterAll(async () => {
  await browser?.close()
  await opened?.close()
})
beforeEach(async () => {
  for (const table of ['incidents', 'incident_orders', 'incident_changes'])
    await opened.store.command(`TRUNCATE TABLE ${table}`)
  served = await serveConsole({ store: opened.store })
  complaints.length = 0
})
afterEach(async () => {
  for (const context of browser.contexts()) await context.close()
  await served.close()
})

const write = (...incidents: Partial<Incident>[]) =>
  createIncidentTable(opened.store, createChangeTable(opened.store)).write(
    incidents.map((given) => openIncident({ onset: ONSET / 1_000, ...given })),
  )
const closed = { state: 'closed', closed_at: (NOW - 5 * MINUTE_MS) / 1_000, version: 2 } as const
const order = (action: 'acknowledge' | 'close', body: Record<string, string>) =>
  fetch(`${served.url}/v1/divergences/incident/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** The console in a browser of its own; without the ten-second poll only events bring what is new, and the other way round. */
async function open(
  hash: string,
  {
    polls = true,
    events = true,
    ...options
  }: BrowserContextOptions & { polls?: boolean; events?: boolean } = {},
) {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  if (!polls) await page.addInitScript(WITHOUT_POLL)
  if (!events) await page.route('**/events', (route) => route.abort())
  await page.goto(`${served.url}/${hash}`)
  return page
}
const WITHOUT_POLL = `{
  const { setTimeout } = window
  window.setTimeout = (run, ms, ...rest) => ms === 10_000 ? 0 : setTimeout(run, ms, ...rest)
}`

const PAGE = '#/incident/incident'
const state = (page: Page, text: string | RegExp) => page.locator('#state', { hasText: text }).waitFor()
const card = (page: Page, name: string) =>
  page.locator('.card', { has: page.getByRole('heading', { name, exact: true }) })

describe('what changes', () => {
  test('comes without a reload, and without being asked for', async () => {
    const page = await open('#/', { polls: false })
    await state(page, /^Live, data up to/)
    await page.getByText('Nothing diverges.').waitFor()
    await write({})
    await page.locator('article', { hasText: 'AS64500 Example Net' }).waitFor()
    expect(await page.locator('#view').getByRole('status').first().textContent()).toBe('1 incident open')
    await write(closed)
    await page.getByText('Nothing diverges.').waitFor()
    await page.getByText('1 incident over in the last 7 days').click()
    await page.locator('.past').getByRole('link', { name: 'AS64500 Example Net' }).click()
    await page.locator('.badge', { hasText: 'Over' }).waitFor()
  })

  test('while the server was away comes when it is back, from the last event on', async () => {
    const page = await open('#/', { polls: false })
    await state(page, /^Live/)
    await write({})
    await page.locator('article').waitFor()
    // Of the first it may know from what was read when the stream began, of the second by events alone.
    await write({ id: 'other' })
    await page.locator('article').nth(1).waitFor()
    const asked: (string | undefined)[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/events')) asked.push(request.headers()['last-event-id'])
    })
    await served.close()
    await state(page, 'Not live, read every 10 s, data up to')
    await write(closed, { id: 'other', ...closed })
    served = await serveConsole({ store: opened.store, port: served.port })
    await state(page, /^Live/)
    await page.getByText('Nothing diverges.').waitFor()
    expect(asked).not.toEqual([])
    for (const id of asked) expect(id).toMatch(/^[12]$/)
  })

  test('is read every ten seconds where events do not come through', async () => {
    const page = await open('#/', { events: false })
    await state(page, 'Not live, read every 10 s, data up to')
    await write({})
    await page.locator('article').waitFor()
  })
})

describe('the page of an incident', () => {
  test('has its evidence, its minutes as a chart and a table, and its history', async () => {
    await write({})
    await write({ version: 2, failed: 50 })
    const page = await open(PAGE)
    await page.getByRole('heading', { name: 'AS64500 Example Net' }).waitFor()
    await page.locator('.badge', { hasText: 'Open' }).waitFor()
    await page.getByText('Evidence: a healthy network would look this bad about once in 400 years').waitFor()
    const chart = page.locator('section[aria-labelledby=minutes] figure')
    await chart.locator('canvas').waitFor()
    expect(await chart.locator('figcaption').textContent()).toMatch(
      /^At the worst 50\.0\s% failed, at .*; at most 0\.6\s% was to be expected\. Behind it: clients in each step, \d+ to 10\./,
    )
    await chart.getByText('As a table').click()
    expect(await chart.locator('tbody tr').count()).toBeGreaterThan(100)
    const rows = page.locator('section[aria-labelledby=history] tbody tr')
    expect(await rows.allTextContents()).toEqual([
      expect.stringContaining('Figures changed'),
      expect.stringContaining('Opened'),
    ])
    await page.getByRole('link', { name: "The network's page" }).click()
    await page.getByRole('heading', { name: 'AS64500' }).waitFor()
  })

  test('of several networks leads to each, and that of one to the shared one', async () => {
    const members = ['AS64500', 'AS64501 Office']
    await write(
      { id: SHARED, scope: 'networks', asn: 0, members, prefixes: [], explanation: '' },
      { ...closed, members: [SHARED] },
    )
    const page = await open(PAGE)
    await page.getByRole('link', { name: 'The shared incident it is part of' }).click()
    await page.getByRole('heading', { name: '2 networks' }).waitFor()
    const links = page.getByRole('link', { name: /^AS6450/ })
    await links.first().waitFor()
    const addresses = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    expect(addresses).toEqual(['#/networks/AS64500', '#/networks/AS64501?label=Office'])
  })

  test('of fewer clients than usual shows how many came', async () => {
    await write({ kind: 'volume', failure_rate: 0.5, failed: 300, decided: 600, cause: '' })
    const page = await open(PAGE)
    await page.getByText('Fewer clients come than usual').waitFor()
    const chart = page.locator('section[aria-labelledby=minutes] figure')
    await chart.locator('canvas').waitFor()
    expect(await chart.locator('figcaption').textContent()).toMatch(
      /fewest, \d+, at .*\. Shaded: since it began\.$/,
    )
    expect(await page.getByText('Failure rate').count()).toBe(0)
    await page.getByText('300 of 600').waitFor()
  })

  test('that is not stored says so', async () => {
    const page = await open('#/incident/nobody')
    await page.getByText('No such incident is stored.').waitFor()
    expect(await page.locator('section:visible').count()).toBe(0)
    expect(await axeFindings(page)).toEqual([])
  })

  test.each(['light', 'dark'] as const)(
    'leaves axe nothing to find, and fits on 360 pixels, %s',
    async (colorScheme) => {
      await write({})
      await write({ version: 2 })
      const page = await open(PAGE, { colorScheme, viewport: { width: 360, height: 740 } })
      await page.locator('section[aria-labelledby=history] td').first().waitFor()
      await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
      expect(await axeFindings(page)).toEqual([])
      expect(await overflow(page)).toBeLessThanOrEqual(0)
    },
  )
})

describe('by hand', () => {
  test('it is acknowledged by keyboard alone, and the browser remembers who it was', async () => {
    await write({})
    const page = await open(PAGE)
    const box = card(page, 'Acknowledgement')
    await box.getByLabel('Your name').focus()
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type('<b>they know</b>')
    await page.keyboard.press('Enter')
    await box.getByText(/^By ada at .*: <b>they know<\/b>$/).waitFor()
    expect(await box.locator('form').isVisible()).toBe(false)
    await page.locator(':focus', { hasText: 'It is recorded.' }).waitFor()
    const row = page.locator('section[aria-labelledby=history] tr', { hasText: 'Acknowledged' })
    await createOrderTable(opened.store, createChangeTable(opened.store)).take(NOW / 1_000)
    await row.filter({ hasText: 'ada' }).waitFor()
    await page.getByText('Close by hand').click()
    expect(await page.getByLabel('Your name').last().inputValue()).toBe('ada')
  })

  test('it is closed, by an order that the detector takes', async () => {
    await write({})
    const page = await open(PAGE)
    await page.getByText('Close by hand').click()
    const box = card(page, 'Closing')
    await box.getByLabel('Your name').fill('bob')
    await box.getByLabel('Why it is over').fill('a rule of ours')
    await box.getByRole('button', { name: 'Close it' }).click()
    await box.getByText(/^Ordered by bob at .*: a rule of ours$/).waitFor()
    await box.getByText('The detector has still to take the order').waitFor()
    await createOrderTable(opened.store, createChangeTable(opened.store)).take(closed.closed_at)
    await write(closed)
    await box.getByText('Closed by hand at').waitFor()
    await page.locator('.badge', { hasText: 'Over' }).waitFor()
  })

  test('when somebody was first, the answer is shown as it is', async () => {
    await write({})
    const page = await open(PAGE, { polls: false, events: false })
    const box = card(page, 'Acknowledgement')
    await box.getByRole('button').waitFor()
    // What is read anew meanwhile would take the form away before it is sent.
    let goOn: () => void = () => undefined
    const sent = new Promise<void>((resolve) => {
      goOn = resolve
    })
    await page.route('**/v1/divergences/incident', (route) => sent.then(() => route.continue()))
    await box.getByLabel('Your name').fill('ada')
    await order('acknowledge', { author: 'bob', note: 'mine' })
    await box.getByRole('button').click()
    goOn()
    await box.getByText(/^Incident was acknowledged at .* by bob: mine; that stands\.$/).waitFor()
    await box.getByText(/^By bob at/).waitFor()
  })
})

describe('the page of alerts', () => {
  test('has those that are over, with what became of their messages', async () => {
    const now = NOW / 1_000
    await opened.store.insert('alerts', [
      alertRow({
        fired_at: now - 7_200,
        state: 'resolved',
        resolved_at: now - 3_600,
        resolution: 'recovered',
      }),
    ])
    await opened.store.insert('notifications', [
      notificationRow({ id: 'a', receiver: 'ops', state: 'delivered' }),
      notificationRow({ id: 'b', receiver: 'mail', state: 'given_up', attempts: 9 }),
    ])
    const page = await open('#/alerts')
    await page.getByText('No alert fires.').waitFor()
    const row = page.getByRole('row', { name: /AS64500/ })
    const text = await row.textContent()
    for (const part of ['any-network-diverges', '1\u00a0hour', 'Recovered', '1 delivered, 1 given up'])
      expect(text).toContain(part)
    expect(await axeFindings(page)).toEqual([])
  })
})

function notificationRow(given: Record<string, unknown>) {
  const at = new Date(NOW - 7_000_000).toISOString().replace('T', ' ').replace('Z', '')
  return {
    rule: 'any-network-diverges',
    group_key: 'g',
    number: 1,
    status: 'firing',
    alerts: ['alert'],
    minute: 0,
    created_at: at,
    message: JSON.stringify({ title: 'CRITICAL: AS64500' }),
    attempts: 1,
    next_attempt_at: at,
    answer: '200 ok',
    version: 1,
    ...given,
  }
}

describe('with tokens', () => {
  test('a token that may only read is said to be so, and another may be given, or none', async () => {
    const admin = token('admin')
    const read = token('read')
    await served.close()
    served = await serveConsole({ store: opened.store, tokens: [admin.stored, read.stored] })
    await write({})
    const page = await open(PAGE)
    const dialog = page.getByRole('dialog')
    const give = async (text: string) => {
      await dialog.getByLabel('Token').fill(text)
      await dialog.getByRole('button', { name: 'Go on' }).click()
    }
    await dialog.getByText('This server wants a token').waitFor()
    expect(await dialog.getByRole('button', { name: 'Cancel' }).isVisible()).toBe(false)
    await give(read.token)
    await state(page, /^Live/)
    const box = card(page, 'Acknowledgement')
    await box.getByLabel('Your name').fill('ada')
    await box.getByRole('button').click()
    await dialog.getByText('may read, but not change anything: this needs a token with scope admin').waitFor()
    expect(await axeFindings(page)).toEqual([])
    await give('hs_nobody')
    await dialog.getByText('this token is not known here').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await box.getByText('Nothing was changed: this token is not known here.').waitFor()
    // The token of before is kept, and still reads.
    await page.reload()
    await state(page, /^Live/)
    await box.getByLabel('Your name').fill('ada')
    await box.getByRole('button').click()
    await give(admin.token)
    await box.getByText(/^By ada at/).waitFor()
  })
})

function token(scope: 'read' | 'admin'): { token: string; stored: StoredToken } {
  const { token: text, hash } = createToken()
  return { token: text, stored: { name: scope, hash, scopes: [scope] } }
}

afterEach(() => {
  // None of all this broke a script or the policy.
  expect(complaints).toEqual([])
})
