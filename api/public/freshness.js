import { h } from './dom.js'
import { span, time } from './format.js'

/** Data older than this is said to be old: agents report every few seconds. */
const OLD_MS = 120_000

/**
 * Whether changes come by themselves, and up to when there is data, by the server's clock.
 * @param {{ now: string, latest_decided_at: string | null }} status
 * @param {{ isLive: boolean | undefined, everyMs: number }} how `undefined`: not known yet
 */
export function freshness({ now, latest_decided_at }, { isLive, everyMs }) {
  const age = latest_decided_at === null ? 0 : Date.parse(now) - Date.parse(latest_decided_at)
  const isOld = age > OLD_MS
  const how = { true: 'Live, ', false: `Not live, read every ${everyMs / 1_000} s, ` }[isLive] ?? ''
  return [
    h('span', { class: isOld ? 'dot old' : isLive && latest_decided_at !== null ? 'dot' : 'dot idle' }),
    how,
    latest_decided_at === null
      ? 'no data yet'
      : h('span', {}, 'data up to ', time(latest_decided_at, { seconds: true })),
    isOld && h('strong', { class: 'worse' }, `, ${span(age)} old`),
  ].filter(Boolean)
}
