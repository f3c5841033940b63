/**
 * Who is next where not everybody can be. Each who waits is due at a time that is settled when they come: now, later by as
 * long as the bucket takes to refill what their developer has lately had of it, and later still for work in the background.
 * Whoever is due first is next. Since nobody is put off by more than a fixed time, nobody waits for ever: only those who
 * come within that time can get ahead.
 */

/** The furthest that a developer's own use puts a call off, and what work in the background waits beside. Milliseconds. */
export const MOST_PUT_OFF = 60_000
export const BACKGROUND_PUT_OFF = 15_000

/** In which time half of what somebody has had is forgotten. */
const HALF_LIFE = 60_000
const MOST_DEVELOPERS = 10_000

export interface Place {
  who: string
  background: boolean
  /** Tokens that it waits for. */
  cost: number
  /** When its turn is to be thought of; settled by `dueAt`. */
  due: number
}

export interface Shares {
  /** Somebody has had so many tokens, or has given them back. */
  took(who: string, tokens: number, now: number): void
  /** When somebody who comes now is due, in a bucket that so many come back to in a millisecond. */
  dueAt(one: Pick<Place, 'who' | 'background'>, refill: number, now: number): number
}

export function newShares(): Shares {
  const had = new Map<string, { tokens: number; at: number }>()

  function lately(who: string, now: number): number {
    const share = had.get(who)
    return share ? share.tokens * 0.5 ** (Math.max(0, now - share.at) / HALF_LIFE) : 0
  }

  return {
    took(who, tokens, now) {
      const share = { tokens: Math.max(0, lately(who, now) + tokens), at: now }
      had.delete(who)
      had.set(who, share)
      const [oldest] = had.keys()
      if (had.size > MOST_DEVELOPERS && oldest !== undefined) had.delete(oldest)
    },
    dueAt({ who, background }, refill, now) {
      const own = Math.min(MOST_PUT_OFF, lately(who, now) / refill)
      return now + own + (background ? BACKGROUND_PUT_OFF : 0)
    },
  }
}

export interface Queue<One extends Place> {
  enter(one: One): void
  /** Nothing happens where it is not there. */
  leave(one: One): void
  first(): One | undefined
  size(): number
  /** What all of them wait for, or those that go before one of them. */
  tokens(before?: One): number
}

export function newQueue<One extends Place>(): Queue<One> {
  const places: One[] = []
  let tokens = 0
  return {
    enter(one) {
      // Those that are due together keep the order in which they came.
      const behind = places.findLastIndex(({ due }) => due <= one.due)
      places.splice(behind + 1, 0, one)
      tokens += one.cost
    },
    leave(one) {
      const index = places.indexOf(one)
      if (index < 0) return
      places.splice(index, 1)
      tokens = places.length === 0 ? 0 : tokens - one.cost
    },
    first: () => places[0],
    size: () => places.length,
    tokens(before) {
      if (!before) return tokens
      let sum = 0
      for (const one of places) {
        if (one === before) break
        sum += one.cost
      }
      return sum
    },
  }
}
