import { type Label, type Labels, shareAt } from './labels.ts'
import type { SimulatedNetwork } from './population.ts'
import { createRandom, type Random } from './random.ts'
import type { Scenario } from './scenario.ts'

/** One network's clients in one minute. `worst` is a number that stands for the worst failing client, 0 if none. */
export type Emit = (network: number, n: number, k: number, worst: number, worstFailed: number) => void

export type Traffic = {
  /** Draws minute t for all networks; to be called with t = 0, 1, 2, … */
  minute(t: number, emit: Emit): void
}

/** Client numbers from here on are bots, below they are people. */
const BOT = 2_000_000
const PEOPLE = 1_000_000

export function createTraffic(
  scenario: Scenario,
  networks: SimulatedNetwork[],
  labels: Labels,
  seed: number,
): Traffic {
  const random = createRandom(seed)
  const count = networks.length
  const drift = Float64Array.from(networks, () => scenario.drift * random.normal())
  const noise = new Float64Array(count)
  const botUntil = new Float64Array(count)
  const botFrom = Float64Array.from(networks, () => random.exponential(scenario.bot_off))
  const volume = new Float64Array(count)
  const silence = new Float64Array(count)
  const rate = new Float64Array(count)
  const active = new Map<number, Label>()
  const byStart = new Map<number, Label[]>()
  for (const label of labels.incidents) byStart.set(label.from, [...(byStart.get(label.from) ?? []), label])

  function newHour(t: number): void {
    const hour = (t / 60) % 24
    const keep = Math.exp(-1 / scenario.drift_hours)
    const step = scenario.drift * Math.sqrt(1 - keep * keep)
    networks.forEach((network, i) => {
      drift[i] = (drift[i] ?? 0) * keep + step * random.normal()
      const phase = ((hour + network.shift) / 24) * 2 * Math.PI
      volume[i] = t < network.appears ? 0 : network.volume * (1 + scenario.volume_rhythm * Math.sin(phase))
      silence[i] = Math.exp(-(volume[i] ?? 0))
      const rhythm =
        1 + scenario.rate_rhythm * Math.sin((hour / 24 + network.site / scenario.sites) * 2 * Math.PI)
      rate[i] = Math.min(0.5, network.base * Math.exp(drift[i] ?? 0) * rhythm)
    })
  }

  function minute(t: number, emit: Emit): void {
    if (t % 60 === 0) newHour(t)
    for (const label of byStart.get(t) ?? []) active.set(label.network, label)
    for (const [network, label] of active) if (t >= label.to) active.delete(network)
    const outages = labels.outages.filter(({ from, to }) => t >= from && t < to)
    const scans = labels.scans.filter(({ from, to }) => t >= from && t < to)
    const silent = labels.gaps.some(({ from, to }) => t >= from && t < to)
    for (let i = 0; i < count; i++) drawNetwork(i, t, outages, scans, silent ? ignore : emit)
  }

  function drawNetwork(
    i: number,
    t: number,
    outages: Labels['outages'],
    scans: Labels['scans'],
    emit: Emit,
  ): void {
    const network = networks[i]
    if (network === undefined) return
    const bot = network.bot && botFails(i, t)
    const n = clientsOf(i, random)
    if (n === 0 && !bot && scans.length === 0) return
    const lost = lostShare(i, network, t, outages)
    const healthy = rateNow(i)
    const k = random.betaBinomial(n, healthy + (1 - healthy) * lost, network.rho)
    const again = scenario.retries > 0 && lost > 0 ? random.poisson(scenario.retries * k) : 0
    const scanned = scans.reduce(
      (sum, scan) => sum + (scan.network === i ? random.poisson(scan.clients) : 0),
      0,
    )
    const extra = again + scanned + (bot ? 1 : 0)
    if (n + extra === 0) return
    const failed = k + extra
    const worst = bot ? BOT + i : failed > 0 ? 1 + random.below(PEOPLE) : 0
    emit(i, n + extra, failed, worst, bot ? 20 : failed > 0 ? 1 : 0)
  }

  /** Poisson, with the chance of none worked out once an hour: most networks are silent in most minutes. */
  function clientsOf(i: number, random: Random): number {
    const mean = volume[i] ?? 0
    if (mean === 0) return 0
    if (mean > 30) return random.poisson(mean)
    const limit = silence[i] ?? 0
    let product = random.uniform()
    let drawn = 0
    while (product > limit) {
      product *= random.uniform()
      drawn++
    }
    return drawn
  }

  function rateNow(i: number): number {
    const base = rate[i] ?? 0
    if (scenario.autocorrelation === 0) return base
    const keep = scenario.autocorrelation
    noise[i] = (noise[i] ?? 0) * keep + 0.4 * Math.sqrt(1 - keep * keep) * random.normal()
    return Math.min(0.6, base * Math.exp(noise[i] ?? 0))
  }

  function lostShare(i: number, network: SimulatedNetwork, t: number, outages: Labels['outages']): number {
    const label = active.get(i)
    let kept = label === undefined ? 1 : 1 - shareAt(label, t)
    for (const { site, share } of outages) if (site === -1 || site === network.site) kept *= 1 - share
    return 1 - kept
  }

  function botFails(i: number, t: number): boolean {
    if (t < (botFrom[i] ?? 0)) return false
    if (t >= (botUntil[i] ?? 0) && (botUntil[i] ?? 0) > (botFrom[i] ?? 0)) {
      botFrom[i] = t + random.exponential(scenario.bot_off)
      return false
    }
    if ((botUntil[i] ?? 0) <= (botFrom[i] ?? 0)) botUntil[i] = t + random.exponential(scenario.bot_on)
    return random.uniform() < 0.95
  }

  return { minute }
}

function ignore(): void {}
