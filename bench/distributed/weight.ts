import type { Store } from '../../core/store/store.ts'

/** How long each table keeps its rows unless configured otherwise, days. */
const KEPT_DAYS: Record<string, number> = {
  handshakes: 14,
  minutes_by_network: 30,
  minutes_by_prefix: 30,
  failed_clients_by_minute: 30,
  hours_by_network: 400,
  hours_by_prefix: 400,
  networks_by_hour: 400,
  minutes_by_site: 400,
}
const CHUNKS = 20

export type Weight = { table: string; rows: number; bytes: number; keptDays: number }

/**
 * Fills one hour of handshakes, made by the engine itself: a network's share falls with its rank (Zipf), each has a
 * /24 for every so many of its clients, 5 % do not complete. The rollups fill themselves, as they always do.
 */
export async function fillHour(
  store: Pick<Store, 'command'>,
  { networks, handshakes }: { networks: number; handshakes: number },
): Promise<void> {
  await store.command('TRUNCATE TABLE handshakes')
  for (const table of Object.keys(KEPT_DAYS)) await store.command(`TRUNCATE TABLE ${table}`)
  const rows = Math.round(handshakes / CHUNKS)
  for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
    await store.command(
      `INSERT INTO handshakes (agent, epoch, sequence, line, received_at, id, site, opened_at, decided_at, source_address,
         source_port, destination_address, destination_port, ip_version, prefix, client, asn, network, lookup, server_name,
         tls_version, cipher, alpn, hello_bytes, hello_segments, hello_post_quantum, bytes_in, bytes_out, ended_by, alert,
         handshake_ms, outcome, stage, cause, confidence, evidence)
       WITH toInt64(pow({networks:Float64}, rand64(1) / 18446744073709551616.)) AS rank,
         rank * 65537 + intDiv(rand64(2), 18446744073709551616. / (1000000. / rank + 3)) AS person,
         rand64(3) / 18446744073709551616. AS luck, luck < 0.05 AS broken,
         toStartOfHour(now64(3)) - INTERVAL 1 HOUR + INTERVAL (({chunk:UInt32} + rand64(4) / 18446744073709551616.) * 3600000 / {chunks:UInt32}) MILLISECOND AS at
       SELECT concat('edge-', toString(number % 20)), 1, {chunk:UInt32} * 1000 + intDiv(number, 1000), number % 1000, at,
         hex(rand64(5)), concat('site-', toString(number % 4)), at, at, toIPv6(toIPv4(toUInt32(person))),
         1024 + rand(6) % 60000, toIPv6('::ffff:198.51.100.1'), 443, 4,
         concat(IPv4NumToString(bitAnd(toUInt32(person), 4294967040)), '/24'), cityHash64(person), rank, concat('Network ', toString(rank)), 'known',
         'www.example.com', broken ? '' : 'TLSv1.3', broken ? '' : 'TLS_AES_128_GCM_SHA256', 'h2', 1700 + rand(7) % 100, 2, 'yes',
         1800 + rand(8) % 400, 3000 + rand(9) % 3000, broken ? 'timeout' : '', -1, 20 + rand(10) % 200,
         broken ? 'failed' : 'completed', broken ? 'connected' : 'completed', broken ? 'silent' : '', broken ? 'certain' : 'none',
         broken ? '0 bytes read in 10 s; no segment with data arrived' : ''
       FROM numbers({rows:UInt64})`,
      { networks, chunk, chunks: CHUNKS, rows },
    )
    console.log(`  ${chunk + 1} of ${CHUNKS}`)
  }
}

/** What each table weighs once its parts are merged. */
export async function weigh(store: Pick<Store, 'command' | 'query'>): Promise<Weight[]> {
  const weights: Weight[] = []
  for (const [table, keptDays] of Object.entries(KEPT_DAYS)) {
    await store.command(`OPTIMIZE TABLE ${table} FINAL`)
    const [row] = await store.query<{ rows: number; bytes: number }>(
      `SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
       WHERE database = currentDatabase() AND table = {table:String} AND active`,
      { table },
    )
    weights.push({ table, rows: row?.rows ?? 0, bytes: row?.bytes ?? 0, keptDays })
  }
  return weights
}
