/** Seeded random numbers for simulations: the same seed gives the same stream everywhere. */
export type Random = {
  /** Uniform in [0, 1). */
  uniform(): number
  normal(): number
  poisson(mean: number): number
  binomial(n: number, p: number): number
  /** Gamma with the given shape and scale 1. */
  gamma(shape: number): number
  beta(a: number, b: number): number
  /** Failures among n clients whose rate varies from minute to minute: mean p, intra-class correlation rho. */
  betaBinomial(n: number, p: number, rho: number): number
  exponential(mean: number): number
  /** Whole number in [0, n). */
  below(n: number): number
}

/** sfc32 (Doty-Humphrey), seeded through splitmix. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [mix(seed), mix(seed + 1), mix(seed + 2), 1]
  let spare = Number.NaN

  function uniform(): number {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }

  /** Marsaglia's polar method. */
  function normal(): number {
    if (!Number.isNaN(spare)) {
      const kept = spare
      spare = Number.NaN
      return kept
    }
    for (;;) {
      const x = 2 * uniform() - 1
      const y = 2 * uniform() - 1
      const s = x * x + y * y
      if (s === 0 || s >= 1) continue
      const factor = Math.sqrt((-2 * Math.log(s)) / s)
      spare = y * factor
      return x * factor
    }
  }

  function poisson(mean: number): number {
    if (mean > 40) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
    const limit = Math.exp(-mean)
    let product = uniform()
    let count = 0
    while (product > limit) {
      product *= uniform()
      count++
    }
    return count
  }

  function binomial(n: number, p: number): number {
    if (n === 0 || p <= 0) return 0
    if (p >= 1) return n
    if (p > 0.5) return n - binomial(n, 1 - p)
    if (n * p > 40) {
      const drawn = Math.round(n * p + Math.sqrt(n * p * (1 - p)) * normal())
      return Math.min(n, Math.max(0, drawn))
    }
    return invertedBinomial(n, p, uniform())
  }

  /** Marsaglia & Tsang 2000, with the usual boost below shape 1. */
  function gamma(shape: number): number {
    if (shape < 1) return gamma(shape + 1) * uniform() ** (1 / shape)
    const d = shape - 1 / 3
    const factor = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = normal()
      const v = (1 + factor * x) ** 3
      if (v <= 0) continue
      if (Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
    }
  }

  function beta(alpha: number, betaShape: number): number {
    const x = gamma(alpha)
    const y = gamma(betaShape)
    return x + y > 0 ? x / (x + y) : 0
  }

  function betaBinomial(n: number, p: number, rho: number): number {
    if (n === 0 || p <= 0) return 0
    if (p >= 1) return n
    if (rho <= 0 || n === 1) return binomial(n, p)
    const mass = (1 - rho) / rho
    return binomial(n, beta(p * mass, (1 - p) * mass))
  }

  return {
    uniform,
    normal,
    poisson,
    binomial,
    gamma,
    beta,
    betaBinomial,
    exponential: (mean) => -mean * Math.log(1 - uniform()),
    below: (n) => Math.floor(uniform() * n),
  }
}

function invertedBinomial(n: number, p: number, drawn: number): number {
  const odds = p / (1 - p)
  let probability = (1 - p) ** n
  let k = 0
  let left = drawn - probability
  while (left > 0 && k < n) {
    k++
    probability *= (odds * (n - k + 1)) / k
    left -= probability
  }
  return k
}

function mix(seed: number): number {
  let z = (seed * 0x9e3779b9 + 0x85ebca6b) | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}
