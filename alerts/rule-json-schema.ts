import { z } from 'zod'
import { ruleSchema, rulesFileSchema } from './rule-schema.ts'

export type JsonSchema = { [key: string]: unknown }

/**
 * What editors check files of rules by, made from the schema that reads them. Not in it, and told by the parser alone: names
 * of lists and receivers, ids that are used twice, how long durations may be, and how narrow prefixes.
 */
export function rulesFileJsonSchema(): JsonSchema {
  return { ...jsonSchemaOf(rulesFileSchema), title: 'Alert rules of Halfshake' }
}

/** One rule, as the API takes it. */
export function ruleJsonSchema(): JsonSchema {
  const { $schema: _, ...rule } = jsonSchemaOf(ruleSchema)
  return rule
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const converted = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema, path }) => {
      widen(zodSchema, jsonSchema)
      // Formats of zod's own; their patterns say the same.
      if (/^cidr/.test(jsonSchema.format ?? '')) delete jsonSchema.format
      const description = DESCRIPTIONS[String(path.at(-1))]
      if (description !== undefined && path.at(-2) === 'properties') jsonSchema.description = description
    },
  })
  return converted as JsonSchema
}

/** What is made into the right thing before it is parsed: a single value into a list of one, nothing into an object. */
function widen(zodSchema: z.core.$ZodType, jsonSchema: z.core.JSONSchema.BaseSchema): void {
  if (!(zodSchema instanceof z.ZodPipe && zodSchema.in instanceof z.ZodTransform)) return
  const exact = { ...jsonSchema }
  const also = zodSchema.out instanceof z.ZodArray ? exact.items : { type: 'null' as const }
  if (typeof also !== 'object' || Array.isArray(also)) return
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
  jsonSchema.anyOf = [also, exact]
}

/** Shown by editors beside the key. */
const DESCRIPTIONS: Record<string, string> = {
  lists: 'Lists of AS numbers by name, for who.list of any rule.',
  rules: 'The rules.',
  id: 'Alerts and messages are known by it: keep it when the rule changes.',
  summary: 'A sentence for the message.',
  who: 'Whom the rule is about: any: true, or at least one of asn, list, label and prefix; narrowed down by the others.',
  any: 'All networks.',
  asn: 'AS numbers, as 64500 or AS64500.',
  list: 'Names of lists.',
  label: 'Labels of networks.csv.',
  prefix: 'Prefixes, and all inside them.',
  site: 'Only at these sites.',
  ip_version: 'Only IPv4 or only IPv6; thresholds only.',
  agent: 'Only handshakes that these agents saw; thresholds only.',
  server_name: 'Only handshakes with these server names; thresholds only.',
  what: 'Exactly one condition.',
  divergence: 'The detector has an open incident.',
  sensitivity:
    'A healthy network looks so bad once in ten years (high), a thousand (medium), a million (low).',
  minimum_excess: 'So much more fails than at most was to be expected.',
  success_rate: 'completed / (completed + failed) is below.',
  cause_share: 'So many of the completed and failed handshakes failed for this cause.',
  handshake_time: 'So long do handshakes take that complete, at this quantile.',
  quantile: 'Of the times from accept to completion.',
  volume: 'Completed and failed handshakes within over.',
  no_data: 'Not a single handshake of any outcome for the time of for, at least 1m.',
  over: 'How many minutes are taken together, from 1m to 1h.',
  for: 'How long it must hold, up to 24h.',
  minimum_handshakes: 'Below so many completed and failed handshakes nothing is concluded.',
  severity: 'critical, warning or info.',
  receivers: 'Names of receivers; all that are configured when left out.',
  repeat: 'After so long the message is sent again while the alert lasts, from 5m to 30d.',
}
