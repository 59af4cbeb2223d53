import type { Store } from '../../core/store/store.ts'

const DAY = 86_400
const AGENTS = 20
const SECONDS_A_BATCH = 5
const RAW_DAYS = 14
/** Of the days filled, one incident, alert and message for each so many networks and days. */
const NETWORK_DAYS_AN_INCIDENT = 100
const NO_TOKEN = 'SETTINGS async_insert = 0, max_execution_time = 0'

/** Batches of 20 agents, one every five seconds; incidents, and of each an alert and the messages about it. */
export async function fillSmallTables(
  store: Pick<Store, 'command'>,
  { networks, days, now }: { networks: number; days: number; now: number },
): Promise<void> {
  const batchDays = Math.min(days, RAW_DAYS)
  await store.command(`
INSERT INTO batches (received_at, agent, epoch, sequence, accepted, handshakes, rejected)
SELECT
  fromUnixTimestamp64Milli(toInt64(${now} - intDiv(number, ${AGENTS}) * ${SECONDS_A_BATCH}) * 1000, 'UTC'),
  concat('edge-', toString(number % ${AGENTS})),
  1,
  ${(batchDays * DAY) / SECONDS_A_BATCH} - intDiv(number, ${AGENTS}),
  70, 70, number % 50000 = 0
FROM numbers(${(AGENTS * batchDays * DAY) / SECONDS_A_BATCH})
${NO_TOKEN}`)
  await store.command(`
INSERT INTO dead_letters (received_at, agent, reason, field, message, bytes, raw)
SELECT received_at, agent, 'field', 'state', 'state is missing', 3, '{}' FROM batches WHERE rejected > 0
${NO_TOKEN}`)
  const incidents = Math.ceil((networks * days) / NETWORK_DAYS_AN_INCIDENT)
  await store.command(incidentsSql({ incidents, networks, days, now }))
  await store.command(ALERTS)
  await store.command(NOTIFICATIONS)
  await store.command(ATTEMPTS)
}

function incidentsSql({
  incidents,
  networks,
  days,
  now,
}: Record<'incidents' | 'networks' | 'days' | 'now', number>) {
  return `
INSERT INTO incidents (id, scope, kind, asn, state, onset, opened_at, closed_at, expected_rate, failure_rate, failed, decided,
  clients, failing_clients, prefixes, cause, cause_share, explanation, version, updated_at)
WITH ${now} - intDiv(number * ${days * DAY}, ${incidents}) AS at, number < 250 AS open
SELECT hex(cityHash64(number)), 'network', 'divergence', 1000 + ((1 + number % ${networks}) * 40 * 7919) % 100003,
  if(open, 'open', 'closed'), at - 300, at, if(open, 0, at + 3600), 0.02, 0.4, 400, 1000, 300, 120, ['192.0.2.0/24'],
  'mtu_inbound', 0.9, 'Of 300 clients 120 fail, at most 2 % was to be expected: an MTU hole on the way from the client to the server.', 1, at
FROM numbers(${incidents})
${NO_TOKEN}`
}

const ALERTS = `
INSERT INTO alerts (id, rule, severity, state, kind, scope, asn, incident, started_at, fired_at, resolved_at, resolution,
  value, threshold, explanation, minute, version)
SELECT id, 'any-network-diverges', 'critical', if(state = 'open', 'firing', 'resolved'), 'divergence', 'network', asn, id,
  onset, opened_at, closed_at, if(state = 'open', '', 'recovered'), failure_rate, expected_rate, explanation, opened_at, 1
FROM incidents FINAL
${NO_TOKEN}`

const NOTIFICATIONS = `
INSERT INTO notifications (id, receiver, rule, group_key, number, status, alerts, minute, created_at, message, state, attempts,
  next_attempt_at, answer, version)
SELECT hex(cityHash64(a.id, told, receiver)), receiver, a.rule, concat(a.rule, '/', toString(a.asn)), row_number() OVER (PARTITION BY receiver, a.asn ORDER BY a.fired_at), told, [a.id], a.minute,
  if(told = 'firing', a.fired_at, a.resolved_at), concat('{"title":"AS', toString(a.asn), ' diverges","text":"', repeat(a.explanation, 10), '"}'),
  'delivered', 1, a.fired_at, '200', 1
FROM (SELECT *, arrayJoin(if(state = 'firing', ['firing'], ['firing', 'resolved'])) AS told FROM alerts FINAL) AS a
CROSS JOIN (SELECT arrayJoin(['ops', 'chat']) AS receiver) AS r
${NO_TOKEN}`

const ATTEMPTS = `
INSERT INTO notification_attempts (notification, receiver, attempt, at, milliseconds, result, answer)
SELECT id, receiver, 1, created_at + INTERVAL 1 SECOND, 20 + cityHash64(id) % 200, if(cityHash64(id) % 100 = 0, 'unreachable', 'delivered'), '200'
FROM notifications FINAL
${NO_TOKEN}`
