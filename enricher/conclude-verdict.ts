import { CAUSES, type Cause } from '../core/causes.ts'
import type { Conclusion, Confidence } from '../core/store/handshake-row.ts'
import type { Facts } from './conclude-facts.ts'

/** A conclusion with the outcome that its cause has. */
export function verdict(facts: Facts, cause: Cause, confidence: Confidence, evidence: string): Conclusion {
  return { outcome: CAUSES[cause].outcome, stage: facts.stage, cause, confidence, evidence }
}
