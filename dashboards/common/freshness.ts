/**
 * Seconds since the newest minute with a handshake began. Without a condition: it is then read from the metadata of the
 * table's parts, not from their rows.
 */
export const NEWEST_MINUTE = `
SELECT dateDiff('second', max(minute), now('UTC')) AS age
FROM minutes_by_network
HAVING count() > 0`
