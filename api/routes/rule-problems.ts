import type { WrittenRule } from '../../alerts/parse-rules.ts'
import { SHIPPED } from '../../alerts/rule-files.ts'
import { Problem } from '../../core/runtime/problem.ts'

/** What keeps a rule from being written. */

export function standsInFile(id: string, { rule, line }: WrittenRule): Problem {
  if (rule.file === SHIPPED) return isShipped(id)
  return new Problem({
    status: 409,
    type: 'rule-in-file',
    title: 'Rule stands in a file',
    detail: `${id} is the id of a rule in ${rule.file}:${line}, which is read-only here; change it there, or take another id`,
    members: { file: rule.file, line },
  })
}

function isShipped(id: string): Problem {
  return new Problem({
    status: 409,
    type: 'rule-shipped',
    title: 'Rule is shipped',
    detail: `${id} is shipped, and read-only; alerts.default_rule: false in the configuration takes it out of force, and frees its id`,
  })
}

export function existsAlready(id: string): Problem {
  return new Problem({
    status: 409,
    type: 'rule-exists',
    title: 'Rule exists already',
    detail: `there is a rule ${id} already; replace it with PUT /v1/rules/${id}, or take another id`,
  })
}

export function unconditional(id: string): Problem {
  return new Problem({
    status: 428,
    type: 'condition-needed',
    title: 'Condition needed',
    detail: `say what you build on: If-Match with the ETag of GET /v1/rules/${id}, or, to make a new rule with PUT, If-None-Match: *`,
  })
}

export function changed(id: string, etag: string): Problem {
  return new Problem({
    status: 412,
    type: 'rule-changed',
    title: 'Rule is another by now',
    detail: `${id} is not what the request builds on; it has the ETag ${etag} now: read it again, and decide again`,
    headers: { ETag: etag },
  })
}

export function tooMany(most: number): Problem {
  return new Problem({
    status: 409,
    type: 'too-many-rules',
    title: 'Too many rules',
    detail: `${most} rules are stored, which is the most allowed; delete some, or name several networks in one`,
  })
}
