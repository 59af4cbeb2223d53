import { expect, it } from 'vitest'
import { createUsualTraffic } from './usual-traffic.ts'

it('keeps the clients of each network apart, however many there are', () => {
  const traffic = createUsualTraffic()
  const NETWORKS = 1_000
  for (let network = 0; network < NETWORKS; network++) {
    traffic.note(network, 'fra', network + 1)
    if (network % 3 === 0) traffic.note(network, 'nyc', 5_000)
  }
  traffic.sumSites(0)
  for (let network = 0; network < NETWORKS; network++) {
    const expected = network + 1 + (network % 3 === 0 ? 5_000 : 0)
    expect(traffic.take(network, 0).seen, `network ${network}`).toBe(expected)
    expect(traffic.take(network, 0).seen, 'the minute has ended').toBe(0)
  }
})

it('learns what is usual, between the middles of two hours, and allows for what a site misses as a whole', () => {
  const traffic = createUsualTraffic()
  const teach = (hourOfDay: number, clients: number) => {
    for (const network of [0, 1, 2]) {
      traffic.note(network, 'fra', clients)
      traffic.take(network, 0)
      traffic.teach(network, { hourOfDay, minutes: 1, days: 0 })
    }
    traffic.clearHour()
  }
  teach(0, 100)
  teach(1, 200)
  // 00:59 lies half a minute before the hour: nearly in the middle of the two.
  traffic.sumSites(59)
  expect(traffic.take(0, 59).usual).toBeCloseTo(149.2, 0)

  // All of the site is silent: nothing is to be expected of any one.
  for (let minute = 60; minute < 90; minute++) {
    traffic.sumSites(minute)
    for (const network of [0, 1, 2]) traffic.take(network, minute)
  }
  traffic.sumSites(90)
  const { usual, allowed } = traffic.take(0, 90)
  expect(usual).toBeCloseTo(200, 0)
  expect(allowed).toBe(0)
})
