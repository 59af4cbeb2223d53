import type { Cause } from '../../core/causes.ts'

/**
 * Colours by meaning, the same on every dashboard. Good is blue and bad is orange, so that nobody needs to tell red from green;
 * the hues are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), legible on light and dark ground. A colour
 * never carries a meaning alone: series have legends, figures have units.
 */
export const COLORS = {
  good: '#3d8fd1',
  warning: '#e69f00',
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
  unknown: '#e0cfe8',
} as const

/** One hue for each kind of trouble: orange for sizes, yellow for paths, pink for resets, green for clients, blue for us. */
export const CAUSE_COLORS: Record<Cause, string> = {
  mtu_inbound: '#d55e00',
  mtu_outbound: '#f19a5b',
  path_inbound: '#e69f00',
  path_outbound: '#f3cc79',
  reset_after_hello: '#cc79a7',
  reset_after_flight: '#e6bcd3',
  client_closed: '#6fcbb0',
  client_rejected: '#009e73',
  client_stalled: '#b2e2d4',
  server_rejected: '#0072b2',
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
  agent_stopped: '#7d62a8',
  unknown: '#e0cfe8',
}
