/** Time as the agent needs it: a date for the events, a steady count for durations and deadlines. */
export type Clock = {
  /** Milliseconds since 1970. Can be set back and forth by the operator. */
  date(): number
  /** Milliseconds since some start. Never goes back. */
  steady(): number
}

export const systemClock: Clock = {
  date: () => Date.now(),
  steady: () => performance.now(),
}
