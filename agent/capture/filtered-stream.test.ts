import { describe, expect, it } from 'vitest'
import { FilteredStream } from './filtered-stream.ts'

const START = 0xffff_ff00
/** A flight of 3,500 bytes: two full segments of 1,448, of which the filter lets the first through, and a last one of 604. */
const FULL = 1_448
const FLIGHT = 3_500
const LATER = 10_000

describe('the server as the filter lets it through', () => {
  it('has sent in vain what it sends again', () => {
    const stream = new FilteredStream(START)
    send(stream, 0, 0)
    for (const at of [200, 600, 1_400, 3_000, 6_200]) send(stream, 0, at)
    stream.acknowledge(START, [[number(2 * FULL), number(FLIGHT)]])
    stream.settle(LATER)
    expect(stream.facts).toMatchObject({
      ...{ repeated: 5, acknowledged: 0, sent: FLIGHT },
      // The first, what lies between and was never seen, and the last, which arrived.
      ...{ unacked: 3, sacked: 1 },
    })
  })

  it('has arrived with what it does not send again', () => {
    const stream = new FilteredStream(START)
    send(stream, 0, 0)
    stream.settle(1_000)
    expect(stream.facts).toMatchObject({ acknowledged: 0, unacked: 1 })
    stream.settle(4_000)
    expect(stream.facts).toMatchObject({ acknowledged: FULL, unacked: 0 })
  })

  it('has arrived after all when the repeats end', () => {
    const stream = new FilteredStream(START)
    for (const at of [0, 200, 600]) send(stream, 0, at)
    stream.settle(1_000)
    expect(stream.facts).toMatchObject({ unacked: 1, acknowledged: 0 })
    stream.settle(LATER)
    expect(stream.facts).toMatchObject({ unacked: 0, acknowledged: FULL })
  })

  it('counts a gap for whoever reads, where something was left out or acknowledged unseen', () => {
    const stream = new FilteredStream(START)
    send(stream, 0, 0)
    expect(stream.gaps).toBe(0)
    stream.acknowledge(number(FULL), [])
    expect(stream.gaps).toBe(0)
    send(stream, 2 * FULL, 10)
    expect(stream.gaps).toBe(1)
    stream.acknowledge(number(5 * FULL), [])
    expect(stream.gaps).toBe(2)
    expect(stream.facts).toMatchObject({ bytes: 5 * FULL, unacked: 0, captureLoss: false })
  })
})

function send(stream: FilteredStream, from: number, at: number): void {
  stream.push(number(from), Buffer.alloc(FULL), FULL, at)
}

/** The sequence number of a byte; they begin anew within the flight. */
function number(distance: number): number {
  return (START + distance) >>> 0
}
