/**
 * The same migrations on a cluster. Each statement of the files is written for one server; this makes of it what the
 * cluster runs, by rules on its text:
 *
 * | in the file | on the cluster |
 * |---|---|
 * | `CREATE TABLE t (…) ENGINE = MergeTree` or `AggregatingMergeTree` | `t_local ON CLUSTER c`, Replicated engine under `/clickhouse/tables/{shard}/{database}/t_local` as `{replica}`; and `t`, Distributed over it: what is read and written |
 * | `ENGINE = ReplacingMergeTree(v)`: small tables | `t ON CLUSTER c`, Replicated under a path without `{shard}`, so that every node has the whole table |
 * | `non_replicated_deduplication_window` | `replicated_deduplication_window` |
 * | `CREATE MATERIALIZED VIEW v TO t AS … FROM s` | from `s_local` to `t_local`: each shard rolls up what it has |
 * | `ALTER TABLE t …` columns | `t_local` and `t`; settings and TTL: `t_local` alone |
 * | `DROP VIEW` | `ON CLUSTER` |
 *
 * Rows are placed by network, so that what is known of a network lies on one shard; dead letters and batches by agent. Where a rollup has
 * no network, each shard has a part of every row's sum.
 * Macros `{shard}` and `{replica}` are the server's. Source: https://clickhouse.com/docs/engines/table-engines/mergetree-family/replication
 */
export type Cluster = { name: string }

/** Tables that every node has whole. */
const SMALL = /\bENGINE = ReplacingMergeTree\b/
const KEYS: Record<string, string> = {
  dead_letters: 'cityHash64(agent)',
  batches: 'cityHash64(agent)',
  minutes_by_site: 'cityHash64(site)',
}
const BY_NETWORK = 'cityHash64(asn)'

/** The statements that the cluster runs for one of a migration; throws for one whose form is not known. */
export function forCluster(statement: string, { name }: Cluster): string[] {
  const on = `ON CLUSTER ${quoted(name)}`
  const table = /^CREATE TABLE IF NOT EXISTS (\w+) \(/.exec(statement)?.[1]
  if (table !== undefined) return createTable(statement, table, on, name)
  if (/^CREATE MATERIALIZED VIEW /.test(statement)) return [createView(statement, on)]
  const altered = /^ALTER TABLE (\w+) /.exec(statement)?.[1]
  if (altered !== undefined) return alterTable(statement, altered, on)
  const dropped = /^DROP VIEW IF EXISTS (\w+)$/.exec(statement)?.[1]
  if (dropped !== undefined) return [`DROP VIEW IF EXISTS ${dropped} ${on} SYNC`]
  throw unknown(statement)
}

/** The table that holds the rows; on a cluster another than the one that is read. */
export function localTable(table: string): string {
  return `${table}_local`
}

function createTable(statement: string, table: string, on: string, cluster: string): string[] {
  if (!/\bENGINE = \w*MergeTree\b/.test(statement)) throw unknown(statement)
  const small = SMALL.test(statement)
  const local = small ? table : localTable(table)
  const path = small
    ? `/clickhouse/tables/all/{database}/${table}`
    : `/clickhouse/tables/{shard}/{database}/${local}`
  const replica = small ? '{shard}-{replica}' : '{replica}'
  const created = statement
    .replace(`CREATE TABLE IF NOT EXISTS ${table} (`, `CREATE TABLE IF NOT EXISTS ${local} ${on} (`)
    .replace(
      /\bENGINE = (\w*MergeTree)(?:\(([^)]*)\))?/,
      (_all, engine: string, args: string | undefined) =>
        `ENGINE = Replicated${engine}('${path}', '${replica}'${args === undefined ? '' : `, ${args}`})`,
    )
    .replace('non_replicated_deduplication_window', 'replicated_deduplication_window')
  if (small) return [created]
  const key = KEYS[table] ?? BY_NETWORK
  return [
    created,
    `CREATE TABLE IF NOT EXISTS ${table} ${on} AS ${local}
ENGINE = Distributed(${quoted(cluster)}, currentDatabase(), ${local}, ${key})`,
  ]
}

/** The names in the query keep their meaning: the local table goes by the name that it stands for. */
function createView(statement: string, on: string): string {
  return statement
    .replace(/^(CREATE MATERIALIZED VIEW IF NOT EXISTS \w+) TO (\w+)/, `$1 ${on} TO $2_local`)
    .replace(/\bFROM (\w+)/, 'FROM $1_local AS $1')
}

function alterTable(statement: string, table: string, on: string): string[] {
  const change = statement.slice(`ALTER TABLE ${table} `.length)
  const local = `ALTER TABLE ${localTable(table)} ${on} ${change}`
  if (/^MODIFY (SETTING|TTL)\b/.test(change)) return [local]
  if (/^(ADD|DROP|MODIFY|RENAME) COLUMN\b/.test(change))
    return [local, `ALTER TABLE ${table} ${on} ${change}`]
  throw unknown(statement)
}

function unknown(statement: string): Error {
  return new Error(`it is not known what a cluster makes of: ${statement.split('\n')[0] ?? ''}`)
}

function quoted(name: string): string {
  return `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
