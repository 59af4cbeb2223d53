import { z } from 'zod'
import { openSilence, SILENCE_STATES, type Silence, silenceState } from '../../alerts/silence.ts'
import { WEEKDAYS } from '../../alerts/weekly.ts'
import { text } from '../parameter-types.ts'
import { count, time } from '../schemas.ts'
import { iso } from '../window.ts'

export const UNKNOWN_SILENCE = 'No silence has this id.'
export const silencePath = {
  id: text({ min: 1, max: 64 }).describe('`id` of the silence, as /v1/silences lists it.'),
}

const weeklySchema = z
  .strictObject({
    days: z.array(z.enum(WEEKDAYS)).describe('Days on which a window begins.'),
    from: z.string().describe('By the clock on the wall, as 22:00.'),
    to: z.string().describe('Not after `from`: on the day after; the same is a whole day.'),
    time_zone: z.string().describe('An IANA name, as Europe/Berlin.'),
  })
  .meta({ id: 'WeeklyWindow', description: 'Windows that come back every week.' })

export const silenceSchema = z
  .strictObject({
    id: z.string(),
    state: z
      .enum(SILENCE_STATES)
      .describe('`active` between start and end, also outside its weekly window; `pending` before.'),
    mutes_now: z.boolean().describe('Active, and within its weekly window if it has one.'),
    rule: z.array(z.string()).describe('Ids of rules; an empty list is any, here and below.'),
    severity: z.array(z.enum(['critical', 'warning', 'info'])),
    asn: z.array(z.int()),
    label: z.array(z.string()),
    prefix: z.array(z.string()).describe('Also what lies inside.'),
    site: z.array(z.string()),
    everything: z.boolean().describe('Every alert is meant: all the lists are empty.'),
    weekly: weeklySchema.nullable().describe('null when it holds all the time from start to end.'),
    author: z.string(),
    reason: z.string(),
    created_at: time('When it was ordered.'),
    starts_at: time('From when it holds.'),
    ends_at: time('Until when it was ordered to hold.'),
    ended: z
      .strictObject({ author: z.string(), reason: z.string(), at: time('When.') })
      .nullable()
      .describe('Who ended it before its time; null when nobody did.'),
  })
  .meta({ id: 'Silence', description: 'That no new message is to be sent about some alerts for a time.' })

/** One silence, with what it does. */
export const matchedSilenceSchema = z
  .strictObject({
    ...silenceSchema.shape,
    matches: count('Alerts that fire now and that it names, whether or not it holds now.'),
  })
  .meta({ id: 'MatchedSilence', description: 'A silence, and how many alerts that fire now it names.' })

export function silenceItem(silence: Silence, now: number): z.output<typeof silenceSchema> {
  const { id, weekly, author, reason, rules, severities, asns, labels, prefixes, sites } = silence
  const { created_at, starts_at, ends_at, ended_at, ended_by, ended_reason } = silence
  return {
    id,
    state: silenceState(silence, now),
    mutes_now: openSilence(silence).holdsUntil(now) !== undefined,
    rule: rules,
    severity: severities,
    asn: asns,
    label: labels,
    prefix: prefixes,
    site: sites,
    everything: [rules, severities, asns, labels, prefixes, sites].every(({ length }) => length === 0),
    weekly,
    author,
    reason,
    created_at: iso(created_at),
    starts_at: iso(starts_at),
    ends_at: iso(ends_at),
    ended: ended_at === 0 ? null : { author: ended_by, reason: ended_reason, at: iso(ended_at) },
  }
}
