import { describe, expect, it } from 'vitest'
import { parseCounts } from './counts-csv.ts'

const HEADER = 'minute,network,prefix,site,n,k,clients'

describe('counts as CSV', () => {
  it('are read in any order of columns, with names or numbers of networks', () => {
    const text =
      'network,minute,k,n,clients,site,prefix\nAS64500,2026-11-20T14:03:20Z,3,10,8,fra,203.0.113.0/24\nOffice,1795060800,0,4,,,\n'
    expect(parseCounts(text)).toMatchObject([
      {
        minute: 1_795_183_380,
        asn: 64_500,
        label: '',
        prefix: '203.0.113.0/24',
        site: 'fra',
        completed: 7,
        failed: 3,
        clients: 8,
        failed_clients: 3,
        ip_version: 4,
      },
      { minute: 1_795_060_800, asn: 0, label: 'Office', prefix: '', completed: 4, failed: 0, clients: 4 },
    ])
  })

  it.each([
    ['minute,network', /line 1: the header lacks prefix, site, n, k, clients/],
    [`${HEADER},x`, /line 1: the header has x/],
    [`${HEADER}\n\n1795060800,AS1,,,1,0`, /line 3: 6 values instead of 7/],
    [`${HEADER}\nsoon,AS1,,,1,0,1`, /line 2: minute is "soon"; allowed: a time/],
    [`${HEADER}\n1795060800,AS1,,,1,2,1`, /line 2: k is "2"; allowed: at most n, which is 1/],
    [`${HEADER}\n1795060800,AS1,,,-1,0,1`, /line 2: n is "-1"; allowed: a whole number/],
    [`${HEADER}\n1795060800,AS1,,,1,0,5`, /line 2: clients is "5"/],
    [`${HEADER}\n1795060800,,,,1,0,1`, /line 2: network is ""/],
  ])('say what is wrong, and where: %j', (text, message) => {
    expect(() => parseCounts(text)).toThrow(message)
  })
})
