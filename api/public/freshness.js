import { h } from './dom.js'
import { span, time } from './format.js'

/** Data older than this is said to be old: agents report every few seconds. */
const OLD_MS = 120_000

/**
 * Whether changes come by themselves, and up to when there is data, by the server's clock.
 * @param {{ now: string, latest_decided_at: string | null }} status
 * @param {{ isLive: boolean | undefined, everyMs: number }} how `undefined`: not known yet, or without events
 */
export function freshness({ now, latest_decided_at }, { isLive, everyMs }) {
  const age = latest_decided_at === null ? 0 : Date.parse(now) - Date.parse(latest_decided_at)
  const isOld = age > OLD_MS
  return [
    h('span', { class: dot({ isOld, isIdle: isLive === false || latest_decided_at === null }) }),
    howNew(isLive, everyMs / 1_000),
    latest_decided_at === null
      ? 'no data yet'
      : h('span', {}, 'data up to ', time(latest_decided_at, { seconds: true })),
    isOld && h('strong', { class: 'worse' }, `, ${span(age)} old`),
  ].filter(Boolean)
}

function howNew(isLive, seconds) {
  if (isLive) return 'Live, '
  return isLive === false ? `Not live, read every ${seconds} s, ` : `Read every ${seconds} s, `
}

function dot({ isOld, isIdle }) {
  if (isOld) return 'dot old'
  return isIdle ? 'dot idle' : 'dot'
}
