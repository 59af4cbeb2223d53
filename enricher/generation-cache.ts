/**
 * A bounded cache that forgets what was not asked for lately. It holds at most twice `size` entries: a young
 * generation that fills, and the one before it, whose entries move back when they are asked for and are dropped
 * together when the young one is full. Cheaper per look-up than a list kept in order of use.
 */
export type GenerationCache<Key, Value> = {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  clear(): void
  size(): number
}

export function createGenerationCache<Key, Value>(size: number): GenerationCache<Key, Value> {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  const set = (key: Key, value: Value) => {
    if (young.size >= size) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }
  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined) return value
      const kept = old.get(key)
      if (kept !== undefined) set(key, kept)
      return kept
    },
    set,
    clear() {
      young = new Map()
      old = new Map()
    },
    size: () => young.size + old.size,
  }
}
