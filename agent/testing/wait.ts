import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something holds. The bound is for a test that fails, never for one that passes. */
export async function until(holds: () => boolean, what = String(holds)): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (holds()) return
    await sleep(10)
  }
  throw new Error(`waited in vain for: ${what}`)
}
