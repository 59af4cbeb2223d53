import type { Cause } from '../../core/causes.ts'

/**
 * Colours by meaning, the same on every dashboard. Good is blue and bad is orange, so that nobody needs to tell red from green;
 * the hues follow Okabe and Ito (https://jfly.uni-koeln.de/color/), and a test looks at them as colour-blind people do. A colour
 * never carries a meaning alone: series have legends, figures have units.
 */
export const COLORS = {
  good: '#3d8fd1',
  warning: '#f2b705',
  bad: '#d55e00',
  /** What something is compared with: the rest of the world, the day before. */
  others: '#9a9a9a',
  past: '#a58cc9',
  neutral: '#8a8f98',
  text: 'text',
} as const

export const OUTCOME_COLORS = {
  completed: COLORS.good,
  failed: COLORS.bad,
  noise: '#b9bec6',
  unknown: '#54388a',
} as const

export const SEVERITY_COLORS = {
  critical: COLORS.bad,
  warning: COLORS.warning,
  info: COLORS.neutral,
} as const

/** What became of an attempt to deliver a message. */
export const RESULT_COLORS = {
  delivered: COLORS.good,
  refused: COLORS.bad,
  unreachable: COLORS.warning,
} as const

/** One hue for each kind of trouble: orange for sizes, yellow for paths, pink for resets, green for clients, blue for us. */
export const CAUSE_COLORS: Record<Cause, string> = {
  mtu_inbound: '#d55e00',
  mtu_outbound: '#f19a5b',
  path_inbound: '#f2b705',
  path_outbound: '#f7db84',
  reset_after_hello: '#cb6bb0',
  reset_after_flight: '#e8b5d8',
  client_closed: '#6fcbb0',
  client_rejected: '#009e73',
  client_stalled: '#b2e2d4',
  server_rejected: '#0b5394',
  hello_stopped: '#9c7a3c',
  slow: '#f0e442',
  ours: '#4b6bd6',
  server_not_tls: '#56b4e9',
  unexplained: '#8a8f98',
  silent: '#b9bec6',
  preconnect: '#d6d9de',
  scanner: '#a1a7b1',
  not_tls: '#767d88',
  capture_ended: '#ccb8e3',
  capture_loss: '#a58cc9',
  agent_stopped: '#e0cfe8',
  unknown: '#54388a',
}
