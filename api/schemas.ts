import { z } from 'zod'
import { OUTCOMES } from '../core/store/handshake-row.ts'
import { integer, ipVersion, moment, text } from './parameter-types.ts'

/** Parts of answers and parameters that several routes share. */

export function time(description: string) {
  return z.iso.datetime({ precision: 3 }).describe(description)
}

export function count(description: string) {
  return z.int().min(0).describe(description)
}

export function rate(description: string) {
  return z.number().min(0).max(1).describe(description)
}

export const windowSchema = z
  .strictObject({
    from: time('Start, included.'),
    to: time('End, excluded.'),
    rollup: z
      .enum(['minutes', 'hours'])
      .describe('Which rollups answer: minutes, or hours with minutes at the two ends.'),
  })
  .meta({
    id: 'Window',
    description: 'The span that the figures cover: what was asked for, widened to whole minutes.',
  })

const outcome = z.enum(OUTCOMES)
/** How many handshakes had each outcome, and the rate made of them. */
export const countsShape = {
  handshakes: count('Decided handshakes of every outcome.'),
  completed: count('The handshake was done.'),
  failed: count('It was not, though the client spoke TLS or was stopped from it.'),
  noise: count('Never spoke TLS: preconnects, scanners, health checks, plain HTTP.'),
  unknown: count('Nothing decides between the others.'),
  success_rate: rate('completed / (completed + failed); null when there are none of either.').nullable(),
}

/** Completed and failed only, where noise has no place. */
export const decidedShape = {
  completed: countsShape.completed,
  failed: countsShape.failed,
  success_rate: countsShape.success_rate,
}

export const latencySchema = z
  .strictObject({
    p50: z.number().min(0).nullable().describe('Median.'),
    p95: z.number().min(0).nullable().describe('95th percentile.'),
  })
  .meta({
    id: 'HandshakeTime',
    description: 'Milliseconds from accept to completion, of completed handshakes; null when there are none.',
  })

export const outcomeSchema = outcome

export const nextCursor = z
  .string()
  .nullable()
  .describe('Give it as `cursor` for the next page, with the same parameters; null on the last page.')

export const windowQuery = {
  from: moment().optional().describe('Start of the window, included; an hour before `to` when left out.'),
  to: moment().optional().describe('End of the window, excluded; now when left out.'),
}

export const scopeQuery = {
  site: text({ max: 64 }).optional().describe('Only handshakes at this site.'),
  ip_version: ipVersion().optional().describe('Only IPv4 (4) or only IPv6 (6).'),
}

export function pageQuery({ max, usual }: { max: number; usual: number }) {
  return {
    limit: integer({ min: 1, max }).default(usual).describe('Items in a page.'),
    cursor: text({ min: 1, max: 2_048 })
      .optional()
      .describe('Where to go on: `next_cursor` of the page before, with the same parameters.'),
  }
}

/** completed / (completed + failed), or null. */
export function successRate({ completed, failed }: { completed: number; failed: number }): number | null {
  return completed + failed === 0 ? null : completed / (completed + failed)
}
