/**
 * ln Γ(x) for x > 0, relative error below 1e-13 (Stirling's series with the argument shifted to 10 or more;
 * Abramowitz & Stegun 6.1.41).
 */
export function logGamma(x: number): number {
  let shifted = x
  let product = 1
  while (shifted < 10) {
    product *= shifted
    shifted += 1
  }
  const inverse = 1 / shifted
  const square = inverse * inverse
  const series =
    inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))
  return (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + series - Math.log(product)
}

/**
 * lr(a, k) = ln Γ(a + k) − ln Γ(a) = ln of the rising factorial a·(a+1)·…·(a+k−1), for a > 0 and whole k ≥ 0.
 * Few factors are multiplied out: quicker, and exact where the difference of two large ln Γ would cancel.
 */
export function logRising(a: number, k: number): number {
  if (k > MULTIPLIED_OUT) return logGamma(a + k) - logGamma(a)
  let product = 1
  for (let i = 0; i < k; i++) product *= a + i
  return Math.log(product)
}

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI)
/** 24 factors of at most 1e8 stay far below 1.8e308, of at least 1e-12 far above 5e-324. */
const MULTIPLIED_OUT = 24
