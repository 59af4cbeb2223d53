import { CAUSES } from '../core/causes.ts'

/** The catalogue's entry for a cause as the API names it; undefined for none. */
export function causeOf(name: string): { title: string; meaning: string; advice: string } | undefined {
  return Object.hasOwn(CAUSES, name) ? CAUSES[name as keyof typeof CAUSES] : undefined
}
