/** Numbers as evidence says them: a person pastes these sentences into a ticket. */

/** 800 ms, 10.0 s, 95 s. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return `${ms < 60_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`
}

/** 1 segment, 3 segments. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** "3 segments are", "1 segment is". */
export function countIs(number: number, noun: string): string {
  return `${count(number, noun)} ${number === 1 ? 'is' : 'are'}`
}

/** once, 3 times. */
export function times(number: number): string {
  return number === 1 ? 'once' : `${number} times`
}
