/** Chance that comes out the same each time: mulberry32. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */

export interface Chance {
  /** 0 to 1, without 1. */
  next(): number
  between(least: number, most: number): number
  /** True so often. */
  is(share: number): boolean
  /** Around a median, mostly within a factor of `spread`, and never above `most`. */
  around(median: number, spread: number, most: number): number
  /** A number of trials until one comes off, of which there are `mean` on average. */
  trials(mean: number): number
  /** Another one, for what goes on beside. */
  fork(): Chance
}

export function chance(seed: number): Chance {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  return {
    next,
    between: (least, most) => least + (most - least) * next(),
    is: (share) => next() < share,
    around: (median, spread, most) => Math.min(most, median * spread ** normal()),
    trials: (mean) => 1 + Math.floor(Math.log(1 - next()) / Math.log(1 - 1 / mean)),
    fork: () => chance(Math.floor(next() * 2 ** 32)),
  }
}
