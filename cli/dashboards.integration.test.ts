import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../core/store/testing.ts'
import { type Choice, type Expansion, expand } from '../dashboards/testing/expand.ts'
import { firing, readRules, ruleProblems } from '../dashboards/testing/grafana-rules.ts'
import { type Dashboard, type Panel, readDashboards } from '../dashboards/testing/model.ts'
import { annotationProblems, problemsOf, variableProblems } from '../dashboards/testing/shape.ts'
import { type Observed, startObserved } from './testing/dashboards.ts'

/**
 * Every query of every dashboard, as the ClickHouse data source sends it, on the real engine over the simulator's traffic: it must
 * be answered, and with what the panel needs.
 */
const HOUR = 3_600_000
const dashboards = readDashboards().map(({ name, dashboard }): [string, Dashboard] => [name, dashboard])

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let observed: Observed

beforeAll(async () => {
  folder = await temporaryFolder()
  observed = await startObserved(folder.path)
}, 240_000)
afterAll(async () => {
  await observed?.stop()
  await folder.remove()
})

/** Of the default range minutes are read, of the long one hours; the filters narrow it down to a part of the traffic. */
const LOOKS = [
  ['as it opens', {}],
  ['with its filters set', { filtered: true }],
  ['over a week', { hours: 168 }],
] as const
type Look = { filtered?: boolean; hours?: number }

describe.each(dashboards)('%s', (_, dashboard) => {
  it.each(LOOKS)('answers every panel %s', async (_look, look) => {
    const expansion = await expansionOf(dashboard, look)
    const problems: Record<string, string[]> = {}
    for (const panel of dashboard.panels) {
      for (const { refId, rawSql } of panel.targets) {
        // One that is refused is told together with all others.
        const found = await observed.ask(expand(rawSql, expansion)).then(
          (answer) => problemsOf(panel, answer),
          (error: Error) => [error.message],
        )
        if (found.length > 0) problems[`${panel.title} ${refId}`] = found
      }
    }
    expect(problems).toEqual({})
  })

  it('answers every variable and annotation', async () => {
    const expansion = await expansionOf(dashboard, {})
    for (const { name, query } of dashboard.templating.list) {
      if (typeof query !== 'object') continue
      expect([name, variableProblems(await observed.ask(expand(query.rawSql, expansion)))]).toEqual([
        name,
        [],
      ])
    }
    for (const { name, target } of dashboard.annotations.list ?? []) {
      expect([name, annotationProblems(await observed.ask(expand(target.rawSql, expansion)))]).toEqual([
        name,
        [],
      ])
    }
  })
})

describe('the rules of Grafana', () => {
  const rules = readRules().map((rule) => [rule.title, rule] as const)

  it.each(rules)('%s: is answered with one number and the labels of its text', async (_, rule) => {
    const answer = await observed.ask(rule.data[0]?.model.rawSql ?? '')
    expect(ruleProblems(rule, answer)).toEqual([])
  })

  it('fire for the broken network and for the agent whose lines are refused, and for nothing else', async () => {
    const fired: Record<string, unknown[]> = {}
    for (const [, rule] of rules) {
      const rows = firing(rule, await observed.ask(rule.data[0]?.model.rawSql ?? ''))
      if (rows.length > 0) fired[rule.uid] = rows.map(({ agent, network }) => agent ?? network)
    }
    const networks = fired['halfshake-diverges'] ?? []
    expect(networks).toContain(`AS${observed.victim}`)
    expect(fired).toEqual({
      'halfshake-diverges': networks,
      'halfshake-refused-lines': ['hand-made'],
    })
  })
})

describe('what is seen of the broken network', () => {
  it('on Overview: it diverges, it is the worst of all networks, and others are well', async () => {
    const { rows } = await look('overview')
    const { victim, bot } = observed
    expect(await rows('Networks that diverge')).toContainEqual(
      expect.objectContaining({ state: 'open', asn: victim, cause: 'mtu_inbound' }),
    )
    // The bot fails alone, for hours at a time: no fault of its network, and no business of this test.
    const [worst, ...others] = (await rows('Networks')).filter(({ asn }) => asn !== bot)
    expect(worst).toMatchObject({ asn: victim, cause: 'mtu_inbound' })
    expect(worst?.['change']).toBeLessThan(-0.1)
    expect(Number(worst?.['others_rate'])).toBeGreaterThan(0.8)
    expect(others.filter(({ change }) => change !== null).length).toBeGreaterThan(10)
    for (const { change } of others) if (change !== null) expect(Number(change)).toBeGreaterThan(-0.2)
    // Its last hours are lower than the others', and each of the 24 has a place.
    expect(String(worst?.['trend'])).toMatch(/^[·▁▂▃▄▅▆▇█]{24}$/)
    expect(String(worst?.['trend'])).toMatch(/[▁▂▃▄▅]/)
  })

  it('on Network: the same figures as the API gives', async () => {
    const { rows, from, to } = await look('network')
    const whole = (ms: number) => new Date(Math.ceil(ms / 60_000) * 60_000).toISOString()
    // The panel takes in the minute that the range ends in, the API excludes its end: a minute later it is the same.
    const window = `from=${whole(from)}&to=${whole(to)}`
    const answer = await fetch(`${observed.url}/v1/networks?asn=${observed.victim}&${window}`)
    const { items } = (await answer.json()) as { items: Record<string, number>[] }
    const [rate] = await rows('Completes')
    expect(rate?.['success_rate']).toBeCloseTo(items[0]?.['success_rate'] ?? -1, 6)
    const [others] = await rows('All others complete')
    expect(others?.['others_rate']).toBeCloseTo(items[0]?.['world_success_rate'] ?? -1, 6)
    expect(await rows('Main cause')).toEqual([{ cause: 'mtu_inbound' }])
    const stages = await rows('How far handshakes come')
    const shares = stages.map(({ share }) => Number(share))
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
    expect(shares[0]).toBe(1)
    const usual = await rows('Handshakes that complete, over time', 2)
    for (const band of usual) {
      expect(Number(band['usually at least'])).toBeLessThanOrEqual(Number(band['usually at most']))
      expect(Number(band['usually at least'])).toBeGreaterThan(Number(rate?.['success_rate']))
    }
    const [latest] = await rows('Latest failed handshakes')
    expect(String(latest?.['evidence']).length).toBeGreaterThan(10)
  })

  it('on Causes: which cause it is, and in whom', async () => {
    const { rows } = await look('causes')
    const table = await rows('Causes')
    const hole = table.find(({ cause }) => cause === 'mtu_inbound')
    expect(hole).toMatchObject({ meaning: 'MTU hole, client to server' })
    expect(hole?.['worst']).toMatch(new RegExp(`^AS${observed.victim} `))
    expect(table.reduce((sum, { share }) => sum + Number(share), 0)).toBeCloseTo(1, 6)
    expect(table.filter((row) => Number(row['times_day_before']) > 0)).not.toEqual([])
  })

  it('on Alerts: that it fires, who was told at the second attempt, and what ended before', async () => {
    const { rows } = await look('alerts')
    const { victim } = observed
    expect(await rows('Firing now')).toContainEqual(
      expect.objectContaining({ asn: victim, rule: 'any-network-diverges', severity: 'critical' }),
    )
    expect(await rows('History')).toContainEqual(
      expect.objectContaining({ rule: 'partner-slow', state: 'resolved', lasted: 3_900 }),
    )
    expect(await rows('Silences')).toEqual([
      expect.objectContaining({ state: 'holds', what: 'partner-slow, AS64500', author: 'ada' }),
    ])
    const message = (await rows('Messages')).find(({ title }) => String(title).includes(`AS${victim}`))
    expect(message).toMatchObject({ receiver: 'ops', state: 'delivered', status: 'firing' })
    const [receiver] = await rows('Receivers')
    expect(receiver).toMatchObject({ receiver: 'ops', last_result: 'delivered' })
    expect(Number(receiver?.['failed_attempts'])).toBeGreaterThan(0)
  })

  it('on Pipeline: the rollups agree, and what was refused is there with its reason', async () => {
    const { rows } = await look('pipeline')
    const counts = (await rows('Handshakes in each rollup')).map(({ handshakes }) => handshakes)
    expect(counts).toHaveLength(4)
    expect(new Set(counts).size).toBe(1)
    const stored = (await rows('Handshakes stored per minute')).map(({ handshakes }) => Number(handshakes))
    const [all] = (await observed.ask('SELECT sum(handshakes) AS n FROM batches')).data
    expect(stored.reduce((sum, n) => sum + n, 0)).toBe(all?.['n'])
    expect(await rows('Dead letters')).toEqual([{ dead_letters: 6 }])
    const reasons = (await rows('Latest dead letters')).map(({ reason }) => reason)
    expect(new Set(reasons)).toContain('clock')
  })
})

describe('what is read', () => {
  it('of a network minutes in a short range and hours in a long one, of the world its own rollup', async () => {
    const read = async (name: string, id: number, hours: number) => {
      const dashboard = dashboards.find(([file]) => file === name)?.[1] as Dashboard
      const sql = dashboard.panels.find((panel) => panel.id === id)?.targets[0]?.rawSql ?? ''
      return (await observed.ask(expand(sql, await expansionOf(dashboard, { hours })))).statistics.rows_read
    }
    const countOf = async (table: string) =>
      Number((await observed.ask(`SELECT count() AS n FROM ${table}`)).data[0]?.['n'])
    const OVERVIEW_HANDSHAKES = 3
    const NETWORK_COMPLETES = 2
    const CAUSES_WHERE = 3
    expect(await read('overview', OVERVIEW_HANDSHAKES, 168)).toBe(await countOf('minutes_by_site'))
    expect(await read('network', NETWORK_COMPLETES, 168)).toBeLessThanOrEqual(
      await countOf('hours_by_network'),
    )
    expect(await read('causes', CAUSES_WHERE, 168)).toBeLessThanOrEqual(await countOf('networks_by_hour'))
    expect(await read('causes', CAUSES_WHERE, 1)).toBeGreaterThan(await countOf('networks_by_hour'))
  })

  it('of how new things are, nothing but metadata', async () => {
    const pipeline = dashboards.find(([name]) => name === 'pipeline')?.[1] as Dashboard
    for (const { title, targets } of pipeline.panels.filter(({ id }) => id <= 2)) {
      const { statistics } = await observed.ask(targets[0]?.rawSql ?? '')
      expect([title, statistics.rows_read < 50]).toEqual([title, true])
    }
  })
})

describe('the check itself', () => {
  const panel = dashboards
    .find(([name]) => name === 'overview')?.[1]
    .panels.find(({ type }) => type === 'table')

  it('fails for a query that is wrong, answers nothing, or lacks a column that the panel shows', async () => {
    if (panel === undefined) throw new Error('no table on Overview')
    await expect(observed.ask('SELECT nonsense FROM incidents')).rejects.toThrow('UNKNOWN_IDENTIFIER')
    const expansion = await expansionOf(dashboards[0]?.[1] as Dashboard, {})
    const sql = panel.targets[0]?.rawSql ?? ''
    const nothing = await observed.ask(expand(sql.replace('WHERE', 'WHERE 0 AND'), expansion))
    expect(problemsOf(panel, nothing)).toContain('no rows')
    const lacking = await observed.ask(expand(sql.replace('  cause,\n', ''), expansion))
    expect(problemsOf(panel, lacking)).toContain('the query has no column cause')
  })

  it('knows no macro and no variable that Grafana does not', () => {
    const expansion: Expansion = {
      from: 0,
      to: 1_000,
      intervalSeconds: 60,
      variables: { a: { value: "it's" } },
    }
    expect(expand(`SELECT $${'{a:sqlstring}'}`, expansion)).toBe("SELECT 'it''s'")
    expect(() => expand('SELECT $a', expansion)).toThrow('not quoted')
    expect(() => expand('SELECT $b', expansion)).toThrow('no variable b')
    expect(() => expand('SELECT $__from', expansion)).toThrow('neither a variable nor a macro')
  })
})

/** A dashboard as it opens, and the rows of its panels by their titles. */
async function look(name: string) {
  const dashboard = dashboards.find(([file]) => file === name)?.[1]
  if (dashboard === undefined) throw new Error(`no dashboard ${name}`)
  const expansion = await expansionOf(dashboard, {})
  const panelOf = (title: string): Panel => {
    const found = dashboard.panels.find((one) => one.title === title)
    if (found === undefined) throw new Error(`no panel ${title}`)
    return found
  }
  return {
    ...expansion,
    rows: async (title: string, query = 0) =>
      (await observed.ask(expand(panelOf(title).targets[query]?.rawSql ?? '', expansion))).data,
  }
}

/** Range and variables: "All", or the first that each variable offers; the broken network where one is asked for. */
async function expansionOf(dashboard: Dashboard, { filtered = false, hours }: Look): Promise<Expansion> {
  const to = Date.now()
  const from = to - (hours ?? hoursOf(dashboard)) * HOUR
  const variables: Record<string, Choice> = { asn: { value: String(observed.victim) } }
  // Grafana makes the step of the range and of some thousand points; no panel asks for less than a minute.
  const intervalSeconds = Math.max(60, Math.round((to - from) / 1_000 / 1_000))
  for (const { name, type, query, options = [], current } of dashboard.templating.list) {
    if (name in variables) continue
    const expansion = { from, to, intervalSeconds, variables }
    const offered =
      type === 'query' && typeof query === 'object'
        ? (await observed.ask(expand(query.rawSql, expansion))).data.map(({ value }) => String(value))
        : options.map(({ value }) => value).filter((value) => value !== '$__all')
    const chosen = filtered && offered.length > 0 ? offered.slice(0, 2) : (current?.value ?? '')
    variables[name] = { value: chosen, options: offered }
  }
  return { from, to, intervalSeconds, variables }
}

function hoursOf({ time }: Dashboard): number {
  return Number(/^now-(\d+)h$/.exec(time.from)?.[1])
}
