/** What became of a bucket, minute by minute, for the last hour: what it is learned by, and what advice rests on. */

export interface Minute {
  /** Minutes since 1970. */
  number: number
  /** Tokens taken, less what was given back. */
  tokens: number
  /** The most that was used of the bucket at once. */
  peak: number
  calls: number
  throttled: number
  /** Calls that waited for room, and for how many milliseconds together. */
  held: number
  heldMs: number
}

export interface Minutes {
  took(tokens: number, now: number): void
  stood(level: number, now: number): void
  called(now: number): void
  refused(now: number): void
  held(milliseconds: number, now: number): void
  /** Tokens taken in the last sixty seconds, as if each minute's had come evenly. */
  lately(now: number): number
  /** Newest last; minutes in which nothing was are not among them. */
  all(now: number): readonly Minute[]
}

const LENGTH = 60_000
const KEPT = 60

export function newMinutes(): Minutes {
  const kept: Minute[] = []

  function current(now: number): Minute {
    const number = Math.floor(now / LENGTH)
    const last = kept.at(-1)
    if (last && last.number >= number) return last // a clock that was set back begins no minute anew
    const begun = { number, tokens: 0, peak: 0, calls: 0, throttled: 0, held: 0, heldMs: 0 }
    kept.push(begun)
    if (kept.length > KEPT) kept.shift()
    return begun
  }

  return {
    took(tokens, now) {
      current(now).tokens += tokens
    },
    stood(level, now) {
      const minute = current(now)
      if (level > minute.peak) minute.peak = level
    },
    called: (now) => void current(now).calls++,
    refused: (now) => void current(now).throttled++,
    held(milliseconds, now) {
      const minute = current(now)
      minute.held++
      minute.heldMs += milliseconds
    },
    lately(now) {
      const { number, tokens } = current(now)
      const before = kept.at(-2)
      const share = 1 - (now % LENGTH) / LENGTH
      return Math.max(0, tokens + (before?.number === number - 1 ? before.tokens * share : 0))
    },
    all: (now) => kept.filter(({ number }) => number > Math.floor(now / LENGTH) - KEPT),
  }
}
