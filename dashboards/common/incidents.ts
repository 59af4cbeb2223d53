import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { COLORS } from './colors.ts'
import { clickHouse, DATASOURCE } from './target.ts'

/** Incidents that were open at some time in the range. */
export const IN_RANGE = `onset <= $__toTime AND (state = 'open' OR closed_at >= $__fromTime)`

/** From the onset to the end, or to now, with the detector's sentence. */
export function incidentsSql(where: readonly string[] = []): string {
  return `
SELECT
  onset AS time,
  if(state = 'open', now('UTC'), closed_at) AS timeEnd,
  explanation AS text,
  concat(kind, ',', scope, if(cause = '', '', ','), cause) AS tags
FROM incidents FINAL
WHERE ${[IN_RANGE, ...where].join('\n  AND ')}
ORDER BY onset
LIMIT 500`
}

/** Incidents as regions on every axis of time. */
export function incidentsAnnotation(where: readonly string[] = []): dashboard.AnnotationQueryBuilder {
  return new dashboard.AnnotationQueryBuilder()
    .name('Incidents')
    .datasource(DATASOURCE)
    .enable(true)
    .hide(false)
    .iconColor(COLORS.bad)
    .target(clickHouse(incidentsSql(where), { refId: 'Incidents' }))
}
