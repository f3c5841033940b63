/**
 * One bucket of tokens, as this process believes it to stand: it refills evenly in a minute. How much it holds is said by
 * a quota, or learned from being throttled.
 *
 * What a quota says is believed less after each throttle, for others may use the account too, and more again while nothing
 * is refused. Where no quota is known, the first throttle says that the bucket holds no more than was used of it in the
 * minute before; each further one takes a fifth off, each minute without adds a tenth. A process learns its own share by
 * this, as senders do that know nothing of each other on one line.
 */
import type { Holder } from './burndown.ts'
import { type Minutes, newMinutes } from './headroomminutes.ts'

export interface Bucket {
  readonly name: string
  readonly holder: Holder
  readonly minutes: Minutes
  /** Tokens that the quota says; undefined where none is known. May change at any time. */
  said: number | undefined
  /** What it holds; undefined where nothing is known. */
  capacity(now: number): number | undefined
  used(now: number): number
  /** Takes, or gives back. */
  add(tokens: number, now: number): void
  /** The store knows better. */
  correct(used: number, now: number): void
  /** A call that needed so much, and left at that time, was throttled. */
  throttled(refused: { cost: number; sentAt: number; retryAfter: number }, now: number): void
  /** The day's tokens are used up, by what AWS says. */
  spentForTheDay(now: number): void
  /** Nothing is sent before. */
  closedUntil(): number
}

export const MINUTE = 60_000

const BELIEVED_LESS = 0.9
const LEAST_BELIEVED = 0.2
/** Of what a quota says, so much is believed again with each minute without a throttle. */
const BELIEVED_AGAIN = 0.02
const LEARNED_LESS = 0.8
const LEARNED_AGAIN = 1.1
/** A bucket that holds less would hardly let one call through. */
const LEAST = 50_000
/** What was throttled, the like of it is not tried again before. */
const PAUSE = 5_000
/** When AWS's day ends is not said: it is tried again after a while, and after twice as long where it was too early. */
const [DAY_FIRST, DAY_MOST] = [15 * MINUTE, 240 * MINUTE]

interface Lesson {
  /** What it holds, or how much of what is said is believed, when that was learned. */
  figure: number
  at: number
}

export function newBucket(name: string, holder: Holder): Bucket {
  const minutes = newMinutes()
  let [level, levelAt, closed, dayPause] = [0, 0, 0, 0]
  let lesson: Lesson | undefined

  function capacity(now: number): number | undefined {
    if (bucket.said !== undefined) return bucket.said * belief(now)
    if (!lesson) return undefined
    return lesson.figure * LEARNED_AGAIN ** ((now - lesson.at) / MINUTE)
  }

  function belief(now: number): number {
    return lesson ? Math.min(1, lesson.figure + ((now - lesson.at) / MINUTE) * BELIEVED_AGAIN) : 1
  }

  function used(now: number): number {
    if (level === 0) return 0
    const refill = capacity(now) ?? 0
    return Math.max(0, level - (Math.max(0, now - levelAt) * refill) / MINUTE)
  }

  function put(tokens: number, now: number) {
    level = Math.max(0, tokens)
    levelAt = now
  }

  function learn(cost: number, now: number) {
    if (bucket.said !== undefined) {
      lesson = { figure: Math.max(LEAST_BELIEVED, belief(now) * BELIEVED_LESS), at: now }
      return
    }
    const [known, lately] = [capacity(now), minutes.lately(now)]
    const figure = known === undefined ? lately : known * LEARNED_LESS
    lesson = { figure: Math.max(LEAST, cost, figure), at: now }
  }

  const bucket: Bucket = {
    name,
    holder,
    minutes,
    said: undefined,
    capacity,
    used,
    add(tokens, now) {
      minutes.took(tokens, now)
      if (capacity(now) === undefined) return
      put(used(now) + tokens, now)
      minutes.stood(level, now)
    },
    correct: put,
    throttled({ cost, sentAt, retryAfter }, now) {
      minutes.refused(now)
      // Those that left together are refused together: that is one lesson.
      if (!lesson || sentAt > lesson.at) learn(cost, now)
      // It had no room for the call; how much it had, nobody says.
      const holds = capacity(now) ?? LEAST
      put(Math.max(used(now), holds - Math.min(cost, holds) + (holds * PAUSE) / MINUTE), now)
      closed = Math.max(closed, now + retryAfter)
    },
    spentForTheDay(now) {
      minutes.refused(now)
      if (now < closed) return
      dayPause = now > closed + DAY_MOST ? DAY_FIRST : Math.min(DAY_MOST, Math.max(DAY_FIRST, dayPause * 2))
      closed = now + dayPause
    },
    closedUntil: () => closed,
  }
  return bucket
}
