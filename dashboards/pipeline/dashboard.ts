import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { frame } from '../common/frame.ts'
import { UIDS } from '../common/uids.ts'
import * as panels from './panels.ts'

/** Does everything arrive that agents send? What the store itself knows of it; the rest is at /metrics. */
export function pipeline(): dashboard.DashboardBuilder {
  return frame({
    uid: UIDS.pipeline,
    title: 'Halfshake / Pipeline',
    description:
      'Does everything arrive that the agents send, and how soon? This is what the store knows; /metrics of each step has more.',
    from: 'now-3h',
    variables: [],
  })
    .withPanel(panels.newest())
    .withPanel(panels.lastBatch())
    .withPanel(panels.agentsReporting())
    .withPanel(panels.deadLetters())
    .withPanel(panels.stored())
    .withPanel(panels.batches())
    .withPanel(panels.deadLettersByReason())
    .withPanel(panels.latestDeadLetters())
    .withPanel(panels.agents().gridPos({ x: 0, y: 21, w: 12, h: 11 }))
    .withPanel(panels.rollups().gridPos({ x: 12, y: 21, w: 12, h: 5 }))
    .withPanel(panels.tables().gridPos({ x: 12, y: 26, w: 12, h: 6 }))
}
