import { describe, expect, it } from 'vitest'
import { CAUSE_COLORS, COLORS, OUTCOME_COLORS } from './common/colors.ts'

/** Colour-vision deficiencies in full strength, on linear RGB. Source: Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113 */
const SIGHTS: Record<string, readonly (readonly number[])[]> = {
  'full sight': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}
/** CIE76 distance that nobody overlooks between two areas; 2.3 can just be seen. */
const APART = 18

describe.each(Object.keys(SIGHTS))('with %s', (sight) => {
  it('good, warning and bad are told apart, and so are the outcomes', () => {
    const { good, warning, bad, others } = COLORS
    expect(tooNear({ good, warning, bad, others }, sight)).toEqual([])
    expect(tooNear(OUTCOME_COLORS, sight)).toEqual([])
  })

  it('the causes that mean trouble on the path are told apart', () => {
    const { mtu_inbound, path_inbound, reset_after_hello, client_rejected, server_rejected } = CAUSE_COLORS
    const families = { mtu_inbound, path_inbound, reset_after_hello, client_rejected, server_rejected }
    expect(tooNear(families, sight)).toEqual([])
  })
})

function tooNear(colors: Readonly<Record<string, string>>, sight: string): string[] {
  const seen = Object.entries(colors).map(([name, hex]) => ({ name, lab: labOf(hex, SIGHTS[sight] ?? []) }))
  return seen.flatMap((a, at) =>
    seen
      .slice(at + 1)
      .map((b) => ({ pair: `${a.name} and ${b.name}`, distance: Math.hypot(...difference(a.lab, b.lab)) }))
      .filter(({ distance }) => distance < APART)
      .map(({ pair, distance }) => `${pair}: ${distance.toFixed(0)}`),
  )
}

function difference(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, at) => value - (b[at] ?? 0))
}

/** CIE L*a*b* of a colour as someone sees it. */
function labOf(hex: string, sight: readonly (readonly number[])[]): number[] {
  const linear = [1, 3, 5].map((at) => linearOf(Number.parseInt(hex.slice(at, at + 2), 16) / 255))
  const seen = times(sight, linear).map((value) => Math.min(1, Math.max(0, value)))
  const [x = 0, y = 0, z = 0] = times(TO_XYZ, seen).map(curve)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

/** sRGB to XYZ, each over the white of D65. */
const TO_XYZ = [
  [0.433953, 0.376219, 0.189828],
  [0.212671, 0.71516, 0.072169],
  [0.017758, 0.109477, 0.872766],
]

function times(matrix: readonly (readonly number[])[], vector: readonly number[]): number[] {
  return matrix.map((row) => row.reduce((sum, value, at) => sum + value * (vector[at] ?? 0), 0))
}

function linearOf(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}

function curve(value: number): number {
  return value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116
}
