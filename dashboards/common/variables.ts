import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { CAUSES } from '../../core/causes.ts'
import { ASN, LABEL_NAME, SITE_NAME } from './filters.ts'
import { DAY, hourOf } from './source.ts'
import { clickHouse, DATASOURCE } from './target.ts'

export type Variable = Builder<dashboard.VariableModel>

const ALL = { selected: true, text: 'All', value: '$__all' }
/** More than anybody scrolls through; the number of any other network can be typed. */
const MOST_NETWORKS = 5_000
const SEEN = `hour >= ${hourOf('$__fromTime')} AND hour <= $__toTime`

/** Which ClickHouse: the one that is provisioned, or any other that a person has. */
export function datasourceVariable(): Variable {
  return new dashboard.DatasourceVariableBuilder('datasource')
    .label('Data source')
    .description('The ClickHouse data source whose default database holds the tables of Halfshake.')
    .type('grafana-clickhouse-datasource')
    .current({ selected: true, text: 'Halfshake', value: 'halfshake' })
}

/** Sites that were seen in the time range. */
export function siteVariable(): Variable {
  return choice('site', {
    label: 'Site',
    description: 'Where the handshakes arrived.',
    sql: `
SELECT ${SITE_NAME} AS value, value AS text
FROM (
  SELECT DISTINCT site
  FROM minutes_by_site
  WHERE $__timeFilter(minute)
)
ORDER BY value`,
  })
}

export function ipVersionVariable(): Variable {
  return choice('ip_version', {
    label: 'IP version',
    description: 'By which IP version the handshakes came.',
    sql: `
SELECT toString(ip_version) AS value, concat('IPv', value) AS text
FROM (
  SELECT DISTINCT ip_version
  FROM minutes_by_site
  WHERE $__timeFilter(minute)
)
ORDER BY value`,
  })
}

/** Networks of the range's last day by number and name, the busiest first: what is typed is looked for in both. */
export function asnVariable(): Variable {
  const sql = `
SELECT toString(asn) AS value, concat('AS', value, ' ', anyLast(r.network)) AS text
FROM (
  SELECT asn, network, handshakes
  FROM networks_by_hour
  WHERE hour >= ${hourOf(`greatest($__fromTime, $__toTime - ${DAY})`)} AND hour <= $__toTime
) AS r
GROUP BY asn
ORDER BY sum(r.handshakes) DESC, asn
LIMIT ${MOST_NETWORKS}`
  return query('asn', sql)
    .label('Network')
    .description(
      'Type a part of the name or the AS number; a number that is not in the list is taken as well.',
    )
    .allowCustomValue(true)
}

/** The labels that networks.csv gives to parts of the network. */
export function labelVariable(): Variable {
  return choice('label', {
    label: 'Label',
    description: 'Parts of the network that networks.csv names; (unnamed) is the rest of it.',
    sql: `
SELECT DISTINCT ${LABEL_NAME} AS value, value AS text
FROM hours_by_network
WHERE asn = ${ASN} AND ${SEEN}
ORDER BY value`,
  })
}

/** The rollups do not have server names, so only what is read from single handshakes can be narrowed down by one. */
export function serverNameVariable(): Variable {
  return new dashboard.TextBoxVariableBuilder('server_name')
    .label('Server name')
    .description('Part of a server name. Only the list of single handshakes has server names.')
    .defaultValue('')
    .current({ selected: true, text: '', value: '' })
}

export function causeVariable(): Variable {
  const failed = Object.entries(CAUSES).filter(([, { outcome }]) => outcome === 'failed')
  const options = failed.map(([cause]) => ({ selected: false, text: cause, value: cause }))
  return new dashboard.CustomVariableBuilder('cause')
    .label('Cause')
    .description('Causes of failed handshakes, as docs/causes.md explains them.')
    .values(failed.map(([cause]) => cause).join(','))
    .options([ALL, ...options])
    .multi(true)
    .includeAll(true)
    .current(ALL)
}

/** Where the links to the API lead. */
export function apiVariable(): Variable {
  const address = 'http://127.0.0.1:8081'
  return new dashboard.TextBoxVariableBuilder('api')
    .label('API')
    .description(
      'Address of the API, for the links to it: :8081 is that of docker-compose.yml, :8080 that of halfshake up.',
    )
    .defaultValue(address)
    .current({ selected: true, text: address, value: address })
}

function choice(
  name: string,
  { label, description, sql }: { label: string; description: string; sql: string },
): Variable {
  return query(name, sql).label(label).description(description).multi(true).includeAll(true).current(ALL)
}

function query(name: string, sql: string): dashboard.QueryVariableBuilder {
  const target = clickHouse(sql, { refId: name }).build()
  return new dashboard.QueryVariableBuilder(name)
    .datasource(DATASOURCE)
    .query({ ...target })
    .definition(target.rawSql)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.Disabled)
}
