/** Names that links and bookmarks hold: they never change. */
export const UIDS = {
  overview: 'halfshake-overview',
  network: 'halfshake-network',
  causes: 'halfshake-causes',
  alerts: 'halfshake-alerts',
  pipeline: 'halfshake-pipeline',
} as const

/** What all of our dashboards are tagged with; the menu of each lists the others by it. */
export const TAG = 'halfshake'
