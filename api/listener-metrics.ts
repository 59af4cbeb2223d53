import { Counter, Gauge, type Registry } from 'prom-client'

/** Figures of those who listen, of every stream together. */
export type ListenerMetrics = {
  /** Says how many listen to a stream now. */
  watch(of: string, listening: () => number): void
  ended(of: string, reason: 'left' | 'slow' | 'shutdown'): void
}

export function createListenerMetrics(registry: Registry): ListenerMetrics {
  const registers = [registry]
  const streams = new Map<string, () => number>()
  new Gauge({
    name: 'halfshake_api_listeners',
    help: 'Connections that listen to changes now, by what changes.',
    labelNames: ['of'],
    registers,
    collect() {
      for (const [of, listening] of streams) this.set({ of }, listening())
    },
  })
  const ended = new Counter({
    name: 'halfshake_api_listeners_ended_total',
    help: 'Connections that listened to changes and ended, by what changes and by reason.',
    labelNames: ['of', 'reason'],
    registers,
  })
  return {
    watch: (of, listening) => void streams.set(of, listening),
    ended: (of, reason) => ended.inc({ of, reason }),
  }
}
