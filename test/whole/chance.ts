/** Numbers that look random and are the same in every run. https://en.wikipedia.org/wiki/Xorshift */

export interface Chance {
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number
  one<T>(of: readonly [T, ...T[]]): T
}

export function chance(seed: number): Chance {
  let state = seed | 1
  const below = (limit: number) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
  return { below, one: (of) => of[below(of.length)] ?? of[0] }
}
