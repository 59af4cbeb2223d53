import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { Problem } from '../core/runtime/problem.ts'
import { StoreRefused, StoreUnavailable } from '../core/store/store.ts'
import { createBoundedStore } from './bounded-store.ts'

/** A store whose queries end when the test says so. */
function heldStore() {
  const held: { resolve: () => void; reject: (error: Error) => void }[] = []
  let asked = 0
  return {
    held,
    asked: () => asked,
    query<Row>(): Promise<Row[]> {
      asked += 1
      return new Promise((resolve, reject) => held.push({ resolve: () => resolve([]), reject }))
    },
    insert(): Promise<void> {
      return new Promise((resolve, reject) => held.push({ resolve, reject }))
    },
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the bounded store', () => {
  test('runs so many queries at a time, lets so many wait, and refuses the next', async () => {
    const store = heldStore()
    const registry = new Registry()
    const bounded = createBoundedStore({
      store,
      registry,
      bounds: { running: 2, waiting: 1, seconds: 10, graceMs: 0 },
    })
    const queries = [1, 2, 3].map((i) => bounded.query(`SELECT ${i}`))
    await settled()
    expect(store.asked()).toBe(2)
    await expect(bounded.query('SELECT 4')).rejects.toMatchObject({ status: 503, type: 'store-unavailable' })
    expect(await registry.metrics()).toContain('halfshake_api_queries_refused_total{reason="busy"} 1')
    store.held[0]?.resolve()
    await settled()
    expect(store.asked()).toBe(3)
    for (const { resolve } of store.held) resolve()
    expect(await Promise.all(queries)).toEqual([[], [], []])
  })

  test('gives a turn back when a query fails', async () => {
    const store = heldStore()
    const bounded = createBoundedStore({
      store,
      registry: new Registry(),
      bounds: { running: 1, waiting: 5, seconds: 10, graceMs: 0 },
    })
    const failing = bounded.query('SELECT 1')
    const next = bounded.query('SELECT 2')
    await settled()
    store.held[0]?.reject(new StoreUnavailable('no memory'))
    await expect(failing).rejects.toBeInstanceOf(Problem)
    store.held[1]?.resolve()
    await expect(next).resolves.toEqual([])
  })

  test('does not wait for an engine that does not end a query', async () => {
    const bounds = { running: 1, waiting: 1, seconds: 0.01, graceMs: 10 }
    const bounded = createBoundedStore({ store: heldStore(), registry: new Registry(), bounds })
    await expect(bounded.query('SELECT 1')).rejects.toMatchObject({ status: 503, type: 'query-timeout' })
  })

  test('says of an insert that is not answered that it may be stored all the same', async () => {
    const bounds = { running: 1, waiting: 1, seconds: 0.01, graceMs: 10 }
    const bounded = createBoundedStore({ store: heldStore(), registry: new Registry(), bounds })
    await expect(bounded.insert('t', [])).rejects.toMatchObject({
      status: 503,
      type: 'store-unavailable',
      message: expect.stringContaining('may have'),
    })
  })

  test('keeps an error of our own an error: it is no problem of the reader', async () => {
    const bounded = createBoundedStore({
      store: { ...heldStore(), query: () => Promise.reject(new StoreRefused('unknown column')) },
      registry: new Registry(),
    })
    await expect(bounded.query('SELECT x')).rejects.toBeInstanceOf(StoreRefused)
  })
})
