import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silent, temporaryFolder } from '../core/store/testing.ts'
import { createRuleBook } from './rule-book.ts'
import { RulesUnusable } from './rule-files.ts'

const GOOD = 'rules:\n  - { id: one, who: { asn: 64500 }, what: { divergence: {} } }\n'
const BAD = 'rules:\n  - { id: one, who: { asn: x }, what: { divergence: {} } }\n'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

/** A store without rules. */
const NOTHING_STORED = { query: async () => [] }

function book() {
  const registry = new Registry()
  const created = createRuleBook({
    folder: folder.path,
    defaultRule: false,
    surroundings: { receivers: [], prefixLengths: { ipv4: 24, ipv6: 48 } },
    log: silent,
    registry,
  })
  const bad = async () => Number(/bad_files (\d+)/.exec(await registry.metrics())?.[1])
  return { ...created, bad }
}

describe('the rules in force', () => {
  it('stay the last good ones while a file is bad, which readiness and a metric say', async () => {
    const path = join(folder.path, 'rules.yaml')
    writeFileSync(path, GOOD)
    const rules = book()
    rules.load()
    expect(rules.rules()).toMatchObject([{ id: 'one' }])
    writeFileSync(path, BAD)
    await rules.refresh(NOTHING_STORED)
    expect(rules.rules()).toMatchObject([{ id: 'one' }])
    expect(rules.check.check()).toMatchObject({
      ready: true,
      warning: expect.stringMatching(/last good rules.*rules.yaml:2 .*an AS number/),
    })
    expect(await rules.bad()).toBe(1)
    writeFileSync(path, GOOD.replace('one', 'two'))
    await rules.refresh(NOTHING_STORED)
    expect(rules.rules()).toMatchObject([{ id: 'two' }])
    expect(rules.check.check()).toEqual({ ready: true })
    expect(await rules.bad()).toBe(0)
  })

  it('stay when the folder goes away, and come back with it', async () => {
    writeFileSync(join(folder.path, 'rules.yaml'), GOOD)
    const rules = book()
    rules.load()
    rmSync(folder.path, { recursive: true })
    await rules.refresh(NOTHING_STORED)
    expect(rules.rules()).toHaveLength(1)
    expect(rules.check.check()).toMatchObject({
      ready: true,
      warning: expect.stringMatching(/cannot be read/),
    })
  })

  it('are refused at the start, with every mistake, when there are none to fall back on', () => {
    writeFileSync(join(folder.path, 'rules.yaml'), BAD)
    expect(() => book().load()).toThrow(RulesUnusable)
  })
})
