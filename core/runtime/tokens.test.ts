import { describe, expect, it } from 'vitest'
import { createAuthorize, createToken, type Scope } from './tokens.ts'

const edge = createToken()
const root = createToken()
const authorize = createAuthorize([
  { name: 'edge', hash: edge.hash, scopes: ['ingest'] },
  { name: 'root', hash: root.hash, scopes: ['admin'] },
])

describe('tokens', () => {
  it('are stored as a hash only, and never made twice', () => {
    expect(edge.hash).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(edge.hash).not.toContain(edge.token)
    expect(edge.token).not.toBe(root.token)
  })

  const cases: [string, string | undefined, Scope, number | undefined][] = [
    ['its own scope', `Bearer ${edge.token}`, 'ingest', undefined],
    ['another scope', `Bearer ${edge.token}`, 'read', 403],
    ['admin for everything', `bearer ${root.token}`, 'read', undefined],
    ['no token', undefined, 'read', 401],
    ['an unknown token', 'Bearer hs_nope', 'ingest', 401],
    ['the hash in place of the token', `Bearer ${edge.hash}`, 'ingest', 401],
    ['another scheme', `Basic ${edge.token}`, 'ingest', 401],
  ]
  for (const [title, header, scope, status] of cases) {
    it(`answer ${status ?? 'yes'} to ${title}`, () => {
      if (status === undefined) expect(() => authorize(header, scope)).not.toThrow()
      else expect(() => authorize(header, scope)).toThrow(expect.objectContaining({ status }))
    })
  }

  it('are not asked for where there are none', () => {
    expect(() => createAuthorize([])(undefined, 'admin')).not.toThrow()
  })
})
