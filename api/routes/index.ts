import type { Route } from '../route.ts'
import { acknowledgeAlertRoute } from './alert-acknowledge.ts'
import { alertHistoryRoute, alertsRoute } from './alerts.ts'
import { catalogueRoute, networkCausesRoute } from './causes.ts'
import { causesTimeseriesRoute } from './causes-timeseries.ts'
import { connectionsRoute } from './connections.ts'
import { deadLettersRoute } from './dead-letters.ts'
import { divergenceRoute } from './divergence.ts'
import { acknowledgeRoute, closeRoute } from './divergence-orders.ts'
import { divergencesRoute } from './divergences.ts'
import { networkRoute } from './network.ts'
import { networksRoute } from './networks.ts'
import { notificationsRoute } from './notifications.ts'
import { prefixesRoute } from './prefixes.ts'
import { ruleHistoryRoute } from './rule-history.ts'
import { createRuleRoute, deleteRuleRoute, replaceRuleRoute, ruleRoute, rulesRoute } from './rules.ts'
import { createSilenceRoute, endSilenceRoute, previewSilenceRoute } from './silence-orders.ts'
import { silenceRoute, silencesRoute } from './silences.ts'
import { statusRoute } from './status.ts'
import { timeseriesRoute } from './timeseries.ts'
import { worldRoute } from './world.ts'

/** Every route of the API, in the order in which the documentation shows them. */
export const ROUTES: readonly Route[] = [
  divergencesRoute,
  divergenceRoute,
  acknowledgeRoute,
  closeRoute,
  alertsRoute,
  alertHistoryRoute,
  notificationsRoute,
  rulesRoute,
  createRuleRoute,
  ruleRoute,
  replaceRuleRoute,
  deleteRuleRoute,
  ruleHistoryRoute,
  acknowledgeAlertRoute,
  silencesRoute,
  createSilenceRoute,
  previewSilenceRoute,
  silenceRoute,
  endSilenceRoute,
  worldRoute,
  networksRoute,
  networkRoute,
  timeseriesRoute,
  prefixesRoute,
  networkCausesRoute,
  causesTimeseriesRoute,
  connectionsRoute,
  catalogueRoute,
  statusRoute,
  deadLettersRoute,
]
