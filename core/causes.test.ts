import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CAUSES } from './causes.ts'

const documented = oneLine(readFileSync(join(import.meta.dirname, '../docs/causes.md'), 'utf8'))

it.each(Object.entries(CAUSES))('docs/causes.md says what %s means and what to do', (name, cause) => {
  expect(documented).toContain(`### \`${name}\`: ${cause.title}`)
  expect(documented).toContain(cause.meaning)
  expect(documented).toContain(cause.advice)
})

it('docs/causes.md names no cause that is none', () => {
  const named = [...documented.matchAll(/### `(\w+)`/g)].map(([, name]) => name)
  expect(named.sort()).toEqual(Object.keys(CAUSES).sort())
})

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}
