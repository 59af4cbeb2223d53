import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forCluster } from './cluster.ts'
import type { EmbeddedStore } from './embedded.ts'
import { readMigrations } from './migrate.ts'
import { applyRetention } from './retention.ts'
import { storeAt, temporaryFolder } from './testing.ts'

const CLUSTER = { name: 'edge' }
const statements = readMigrations().flatMap((migration) => migration.statements)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: EmbeddedStore

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
})
afterAll(async () => {
  await store?.stop()
  await folder?.remove()
})

describe('a statement of the migrations, on a cluster', () => {
  it('makes of a table with rows a replicated one on every node, and a distributed one over it', () => {
    const file = `CREATE TABLE IF NOT EXISTS batches (
  agent LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(received_at)
ORDER BY (agent, epoch)
SETTINGS non_replicated_deduplication_window = 10000`
    expect(forCluster(file, CLUSTER)).toEqual([
      `CREATE TABLE IF NOT EXISTS batches_local ON CLUSTER 'edge' (
  agent LowCardinality(String)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/batches_local', '{replica}')
PARTITION BY toYYYYMMDD(received_at)
ORDER BY (agent, epoch)
SETTINGS replicated_deduplication_window = 10000`,
      `CREATE TABLE IF NOT EXISTS batches ON CLUSTER 'edge' AS batches_local
ENGINE = Distributed('edge', currentDatabase(), batches_local, cityHash64(agent))`,
    ])
  })

  it('has small tables whole on every node', () => {
    const file =
      'CREATE TABLE IF NOT EXISTS rules (id String)\nENGINE = ReplacingMergeTree(version)\nORDER BY id'
    expect(forCluster(file, CLUSTER)).toEqual([
      `CREATE TABLE IF NOT EXISTS rules ON CLUSTER 'edge' (id String)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/rules', '{shard}-{replica}', version)
ORDER BY id`,
    ])
    expect(
      forCluster(
        'CREATE TABLE IF NOT EXISTS migrations (n UInt32) ENGINE = ReplacingMergeTree ORDER BY n',
        CLUSTER,
      ),
    ).toEqual([
      `CREATE TABLE IF NOT EXISTS migrations ON CLUSTER 'edge' (n UInt32) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/migrations', '{shard}-{replica}') ORDER BY n`,
    ])
  })

  it('rolls up on each shard what that shard has', () => {
    const file = `CREATE MATERIALIZED VIEW IF NOT EXISTS hours_view TO hours AS
SELECT asn, sum(minutes.handshakes) AS handshakes
FROM minutes
GROUP BY ALL`
    expect(forCluster(file, CLUSTER)).toEqual([
      `CREATE MATERIALIZED VIEW IF NOT EXISTS hours_view ON CLUSTER 'edge' TO hours_local AS
SELECT asn, sum(minutes.handshakes) AS handshakes
FROM minutes_local AS minutes
GROUP BY ALL`,
    ])
  })

  it.each([
    [
      'ALTER TABLE batches ADD COLUMN x UInt8',
      [
        "ALTER TABLE batches_local ON CLUSTER 'edge' ADD COLUMN x UInt8",
        "ALTER TABLE batches ON CLUSTER 'edge' ADD COLUMN x UInt8",
      ],
    ],
    [
      'ALTER TABLE batches MODIFY SETTING a = 1',
      ["ALTER TABLE batches_local ON CLUSTER 'edge' MODIFY SETTING a = 1"],
    ],
    ['DROP VIEW IF EXISTS hours_view', ["DROP VIEW IF EXISTS hours_view ON CLUSTER 'edge' SYNC"]],
  ])('changes what there is: %s', (file, expected) => {
    expect(forCluster(file, CLUSTER)).toEqual(expected)
  })

  it('is refused when it is not known what the cluster makes of it', () => {
    for (const unknown of [
      'RENAME TABLE a TO b',
      'ALTER TABLE a DELETE WHERE 1',
      'CREATE TABLE a (b UInt8) ENGINE = Log',
    ]) {
      expect(() => forCluster(unknown, CLUSTER)).toThrow(/not known what a cluster makes/)
    }
  })

  it('keeps the name of the cluster a name', () => {
    const [first] = forCluster('ALTER TABLE a MODIFY SETTING b = 1', { name: "x' ENGINE \\" })
    expect(first).toBe("ALTER TABLE a_local ON CLUSTER 'x\\' ENGINE \\\\' MODIFY SETTING b = 1")
  })
})

describe('all migrations, on a cluster', () => {
  it('are understood by the engine, replicated, on every node, and leave no table of one server alone', async () => {
    for (const statement of statements) {
      for (const made of forCluster(statement, CLUSTER)) {
        const [parsed] = await store.query<{ text: string }>('SELECT formatQuery({made:String}) AS text', {
          made,
        })
        expect(parsed?.text).toContain('ON CLUSTER edge')
        expect(parsed?.text).not.toMatch(/ENGINE = (?!Replicated|Distributed)/)
        expect(parsed?.text).not.toContain('non_replicated')
      }
    }
  })

  it('remember as many tokens as on one server, in every table that a block reaches', () => {
    const windows = (texts: readonly string[], name: string) =>
      texts.filter((text) => new RegExp(`\\b${name} = 10000`).test(text)).length
    const made = statements.flatMap((statement) => forCluster(statement, CLUSTER))
    expect(windows(made, 'replicated_deduplication_window')).toBe(
      windows(statements, 'non_replicated_deduplication_window'),
    )
  })

  it('have their retention on the tables that hold the rows', async () => {
    const asked: string[] = []
    const cluster = {
      query: store.query,
      async command(sql: string) {
        asked.push(...forCluster(sql, CLUSTER))
      },
    }
    await applyRetention(cluster, { raw: 1_000, minutes: 2_000, hours: 3_000 }, (table) => `${table}_local`)
    expect(asked).toContain(
      "ALTER TABLE handshakes_local ON CLUSTER 'edge' MODIFY TTL toDateTime(decided_at) + toIntervalSecond(1) SETTINGS materialize_ttl_after_modify = 0",
    )
    expect(asked.every((sql) => sql.includes("_local ON CLUSTER 'edge' "))).toBe(true)
  })
})
