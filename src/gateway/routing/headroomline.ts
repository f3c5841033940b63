/** A bucket, the calls that are under way in it, and those that wait for room. */
import type { Quota } from '../../protocol/findings.ts'
import type { Holder } from './burndown.ts'
import { newQueue, newShares, type Place, type Queue, type Shares } from './fairshare.ts'
import { type Bucket, MINUTE, newBucket } from './headroombucket.ts'

/** A call under way: what it is expected to give back, and when. */
export interface Afloat {
  refund: number
  endsAt: number
}

/** One that waits. */
export interface Waiter extends Place {
  /** Its turn has come, and its tokens are taken. */
  called(now: number): void
}

export interface Line {
  readonly bucket: Bucket
  readonly queue: Queue<Waiter>
  readonly shares: Shares
  readonly afloat: Set<Afloat>
  /** As it was found; undefined where none is known. */
  quota: Quota | undefined
  /** Ids of those whose calls it has seen. */
  readonly upstreams: Set<string>
  /** What the store has been told, or is being told, and has not answered yet: net tokens. */
  untold: number
  /** Of calls that ended lately: how long they took, and which share of what they took they kept. */
  habit: { duration: number; kept: number }
}

/** Work in the background leaves so much of a bucket to main threads. */
const LEFT_TO_MAIN = 0.15
/** Before any call has ended. */
const FIRST_HABIT = { duration: 15_000, kept: 0.1 }
const FADING = 0.9
/** A call that should be over is expected to be so soon. */
const SOON = 500

export function newLine(name: string, holder: Holder): Line {
  return {
    bucket: newBucket(name, holder),
    queue: newQueue(),
    shares: newShares(),
    afloat: new Set(),
    quota: undefined,
    upstreams: new Set(),
    untold: 0,
    habit: { ...FIRST_HABIT },
  }
}

/** Whether a call may be sent now, for all that is known here, where nobody waits. */
export function fits(
  { bucket }: Line,
  { cost, background }: Pick<Place, 'cost' | 'background'>,
  now: number,
) {
  if (bucket.closedUntil() > now) return false
  const capacity = bucket.capacity(now)
  if (capacity === undefined) return true
  const most = background ? capacity * (1 - LEFT_TO_MAIN) : capacity
  return bucket.used(now) + Math.min(cost, most) <= most + 1
}

/** Calls those whose turn it is, as far as there is room. */
export function callNext(line: Line, now: number) {
  for (let next = line.queue.first(); next && fits(line, next, now); next = line.queue.first()) {
    line.queue.leave(next)
    line.bucket.add(next.cost, now)
    next.called(now)
  }
}

/**
 * Milliseconds until a call may be sent, by what refills and by what calls under way are expected to give back.
 * @param ahead tokens of those that go before it
 */
export function waitOf(
  line: Line,
  { cost, background }: Pick<Place, 'cost' | 'background'>,
  ahead: number,
  now: number,
): number {
  const { bucket, afloat, habit } = line
  const closed = Math.max(0, bucket.closedUntil() - now)
  const capacity = bucket.capacity(now)
  if (capacity === undefined) return closed
  const most = background ? capacity * (1 - LEFT_TO_MAIN) : capacity
  const refill = capacity / MINUTE
  let lacks = bucket.used(now) + ahead + Math.min(cost, most) - most
  if (lacks <= 0) return closed
  const ends = [...afloat].map(({ refund, endsAt }) => ({ refund, in: Math.max(SOON, endsAt - now) }))
  let passed = 0
  for (const end of ends.toSorted((a, b) => a.in - b.in)) {
    const until = passed + lacks / refill
    if (until <= end.in) return Math.max(closed, until)
    lacks -= (end.in - passed) * refill + end.refund
    passed = end.in
    if (lacks <= 0) return Math.max(closed, passed)
  }
  // Beyond those under way, calls that now wait give back as much as they do.
  const given = ((1 - habit.kept) * capacity) / habit.duration
  return Math.max(closed, passed + lacks / (refill + given))
}

/** A call has ended. */
export function learnEnd({ habit }: Line, took: number, kept: number, duration: number) {
  habit.duration = habit.duration * FADING + duration * (1 - FADING)
  habit.kept = habit.kept * FADING + Math.min(1, kept / Math.max(1, took)) * (1 - FADING)
}
