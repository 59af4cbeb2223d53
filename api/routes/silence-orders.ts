import { z } from 'zod'
import { nameOf } from '../../alerts/alert.ts'
import { type Silence, silenceState } from '../../alerts/silence.ts'
import { createSilenceTable } from '../../alerts/silence-table.ts'
import { Problem } from '../../core/runtime/problem.ts'
import { words } from '../parameter-types.ts'
import { countSilences, matching } from '../queries/silences.ts'
import { defineAction } from '../route.ts'
import { count } from '../schemas.ts'
import { iso } from '../window.ts'
import { matchedSilenceSchema, silencePath, UNKNOWN_SILENCE } from './silence.ts'
import { matchersBody, matchersFrom, silenceBody, silenceFrom } from './silence-body.ts'
import { matchedItem, silenceOrNotFound } from './silences.ts'

/** More at a time is no plan but a mistake, and each costs the evaluator something. */
const MOST_SILENCES = 500
/** So many alerts are named by a preview. */
const MOST_PREVIEWED = 100

export const createSilenceRoute = defineAction({
  path: '/v1/silences',
  tag: 'Silences',
  summary: 'Silence alerts',
  description:
    'From its start to its end no new message is made about the alerts that it names, and none is repeated. The end of what was told is told all the same, and alerts are recorded as ever. What still fires when it ends is told then; what began and ended under it never is.',
  scope: 'admin',
  status: 201,
  conflict: `There are ${MOST_SILENCES} silences already that are not over.`,
  pathParameters: {},
  body: silenceBody,
  answer: matchedSilenceSchema,
  handle({ body }, context) {
    const { store, clock, inTurn } = context
    return inTurn(async () => {
      const { now } = clock()
      const asked = silenceFrom(body, now)
      if ((await countSilences(store, now)) >= MOST_SILENCES) throw tooMany()
      const silence = { id: nameOf('silence', JSON.stringify(asked)), ...asked }
      await createSilenceTable(store).write(silence)
      return matchedItem(context, silence)
    })
  },
})

export const previewSilenceRoute = defineAction({
  path: '/v1/silences/preview',
  tag: 'Silences',
  summary: 'What a silence would name',
  description: 'Which alerts that fire now such a silence names. Nothing is stored.',
  scope: 'read',
  pathParameters: {},
  body: matchersBody,
  answer: z
    .strictObject({
      matches: count('Alerts that fire now and that it names.'),
      alerts: z.array(z.string()).describe(`Their ids, up to ${MOST_PREVIEWED}, the newest first.`),
    })
    .meta({ id: 'SilencePreview', description: 'What a silence would name.' }),
  async handle({ body }, { store }) {
    const ids = await matching(store, matchersFrom(body))
    return { matches: ids.length, alerts: ids.slice(0, MOST_PREVIEWED) }
  },
})

export const endSilenceRoute = defineAction({
  path: '/v1/silences/:id/end',
  tag: 'Silences',
  summary: 'End a silence before its time',
  description:
    'What it held back and what still fires is told with the next evaluation. One that is still to come never begins. To repeat the very same is allowed and does nothing more.',
  scope: 'admin',
  notFound: UNKNOWN_SILENCE,
  conflict: 'It is over already; `detail` says since when and by whom.',
  pathParameters: silencePath,
  body: {
    author: words({ max: 128 }).describe('Who decides it: a name others know.'),
    reason: words({ max: 2_000 }).describe('Why.'),
  },
  answer: matchedSilenceSchema,
  handle({ path: { id }, body: { author, reason } }, context) {
    const { store, clock, inTurn } = context
    return inTurn(async () => {
      const silence = await silenceOrNotFound(store, id)
      const { now } = clock()
      const again = silence.ended_by === author && silence.ended_reason === reason
      if (again) return matchedItem(context, silence)
      if (silenceState(silence, now) === 'ended') throw over(silence)
      const ended = { ...silence, ended_by: author, ended_reason: reason, ended_at: now }
      await createSilenceTable(store).write(ended)
      return matchedItem(context, ended)
    })
  },
})

function tooMany(): Problem {
  return new Problem({
    status: 409,
    type: 'too-many-silences',
    title: 'Too many silences',
    detail: `${MOST_SILENCES} silences are not over yet; end some, or name more alerts with one`,
  })
}

function over({ id, ends_at, ended_at, ended_by, ended_reason }: Silence): Problem {
  const how =
    ended_at === 0 ? `at ${iso(ends_at)}, as ordered` : `at ${iso(ended_at)} by ${ended_by}: ${ended_reason}`
  return new Problem({
    status: 409,
    type: 'silence-ended',
    title: 'Silence is over',
    detail: `${id} ended ${how}`,
  })
}
