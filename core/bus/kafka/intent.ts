import { randomBytes } from 'node:crypto'

/** Offsets of one partition, both included. */
export type Span = { from: number; to: number }

/** A range of a partition that is about to be written, and which of its messages are left out. */
export type Intent = Span & {
  /** Messages that are not written: repeats of stored batches, and dead letters. In order, none touching the next. */
  skip: readonly Span[]
}

/**
 * What the group's committed offset says besides the offset. The incarnation tells this life of the partition's
 * offsets from another: a topic that is made anew counts from 0 again, and its ranges must not pass for the old ones.
 */
export type Progress = { incarnation: string; intent?: Intent }

/** The broker's bound is 4096 (offset.metadata.max.bytes); a range whose intent is longer is cut. */
export const MAX_METADATA_BYTES = 4_000

const VERSION = '1'
const SHAPE = /^halfshake (\d+) ([0-9a-f]{16})(?: (\d+)-(\d+)(?: ([0-9,-]+))?)?$/

export function newIncarnation(): string {
  return randomBytes(8).toString('hex')
}

/** `halfshake 1 INCARNATION [FROM-TO [SKIPPED,SKIPPED-SKIPPED,…]]`; skipped offsets count from FROM. */
export function formatProgress({ incarnation, intent }: Progress): string {
  const about = `halfshake ${VERSION} ${incarnation}`
  if (intent === undefined) return about
  const { from, to, skip } = intent
  const skipped = skip.map((span) => {
    const first = span.from - from
    return span.to === span.from ? `${first}` : `${first}-${span.to - from}`
  })
  return [`${about} ${from}-${to}`, ...(skipped.length > 0 ? [skipped.join(',')] : [])].join(' ')
}

/**
 * Reads what `formatProgress` wrote; undefined when the text is not ours (none, or an operator's). Throws when a
 * newer program wrote it: guessing would store a range twice.
 */
export function parseProgress(text: string | null): Progress | undefined {
  const [, version, incarnation, from, to, skipped] = SHAPE.exec(text ?? '') ?? []
  if (version === undefined || incarnation === undefined) return undefined
  if (version !== VERSION) {
    throw new Error(
      `the committed offset was written by another version of this program (${version}, this is ${VERSION}): run the newer one`,
    )
  }
  if (from === undefined || to === undefined) return { incarnation }
  const skip = (skipped?.split(',') ?? []).map((span) => {
    const [first = '', last = first] = span.split('-')
    return { from: Number(from) + Number(first), to: Number(from) + Number(last) }
  })
  return { incarnation, intent: { from: Number(from), to: Number(to), skip } }
}

/** Offsets, in order, as the fewest spans. */
export function spansOf(offsets: Iterable<number>): Span[] {
  const spans: { from: number; to: number }[] = []
  for (const offset of offsets) {
    const last = spans.at(-1)
    if (last !== undefined && last.to === offset - 1) last.to = offset
    else spans.push({ from: offset, to: offset })
  }
  return spans
}

export function isWithin(spans: readonly Span[], offset: number): boolean {
  return spans.some(({ from, to }) => from <= offset && offset <= to)
}

/** Names a range for all time: what is written under it again is recognised as the same. */
export function tokenOf(incarnation: string, partition: number, { from, to }: Span): string {
  return `${incarnation}:${partition}:${from}-${to}`
}
