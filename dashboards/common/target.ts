import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'

/** The data source that is chosen at the top of the dashboard. */
export const DATASOURCE = { type: 'grafana-clickhouse-datasource', uid: '$' + '{datasource}' } as const

/** A query of the ClickHouse data source, as its SQL editor saves it. */
export type ClickHouseQuery = Dataquery & {
  datasource: typeof DATASOURCE
  refId: string
  pluginVersion: string
  editorType: 'sql'
  queryType: 'timeseries' | 'table'
  /** What the data source makes of the rows: 0 series, 1 a table. */
  format: 0 | 1
  rawSql: string
}

/** The version of the data source whose macros and formats these queries are written for. */
const PLUGIN_VERSION = '4.20.0'

/** The Foundation SDK has no query of this data source: this is one. */
export function clickHouse(
  sql: string,
  { refId = 'A', as = 'table' }: { refId?: string; as?: ClickHouseQuery['queryType'] } = {},
): Builder<ClickHouseQuery> {
  return {
    build: () => ({
      datasource: DATASOURCE,
      refId,
      pluginVersion: PLUGIN_VERSION,
      editorType: 'sql',
      queryType: as,
      format: as === 'timeseries' ? 0 : 1,
      rawSql: sql.trim(),
      _implementsDataqueryVariant: () => undefined,
    }),
  }
}
