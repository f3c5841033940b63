/** Limits in this process. A bucket that is full again is forgotten: what is kept is what was lately used. */
import {
  charged,
  differences,
  type Granted,
  type Limits,
  type Refused,
  ROUNDING,
  timeFor,
  type Want,
} from '../limits.ts'

export interface MemoryLimits extends Limits {
  take(group: string, wants: readonly Want[]): Granted | Refused
  /** What wants that were granted, here or by a store this one stands in for, have cost after all. */
  settle(group: string, wants: readonly Want[], costs: readonly number[]): void
  /** Takes over what another store says is used. */
  learn(group: string, wants: readonly Want[], used: readonly number[]): void
  /** How many buckets are kept. */
  size(): number
}

interface Bucket {
  used: number
  at: number
  fullAt: number
}

/** Of the oldest, for each that is written: more go than come, so idle ones do not pile up. */
const LOOKED_AT = 2

export function memoryLimits(now: () => number): MemoryLimits {
  const buckets = new Map<string, Bucket>()

  function usedOf(key: string, { cap, per }: Want, at: number): number {
    const bucket = buckets.get(key)
    if (!bucket) return 0
    // A clock that was set back must not lock anybody out: however it moved, that much time has passed.
    return Math.max(0, bucket.used - (Math.abs(at - bucket.at) * cap) / per)
  }

  function write(key: string, want: Want, level: number, at: number): number {
    const used = Math.max(0, level)
    if (used === 0) buckets.delete(key)
    else buckets.set(key, { used, at, fullAt: at + timeFor(used, want) })
    return used
  }

  function sweep(at: number) {
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const [oldest] = buckets
      if (!oldest) return
      const [key, bucket] = oldest
      buckets.delete(key)
      if (bucket.fullAt > at) buckets.set(key, bucket)
    }
  }

  /** Adds to each bucket. */
  function add(group: string, wants: readonly Want[], amounts: readonly number[]): number[] {
    const at = now()
    return wants.map((want, index) => {
      const key = keyOf(group, want)
      sweep(at)
      return write(key, want, usedOf(key, want, at) + (amounts[index] ?? 0), at)
    })
  }

  function settle(group: string, wants: readonly Want[], costs: readonly number[]) {
    add(group, wants, differences(wants, costs))
  }

  return {
    take(group, wants) {
      const at = now()
      const used = wants.map((want) => usedOf(keyOf(group, want), want, at))
      const fits = wants.every((want, index) => (used[index] ?? 0) + charged(want) <= want.cap + ROUNDING)
      if (!fits) return { granted: false, used }
      return {
        granted: true,
        used: add(group, wants, wants.map(charged)),
        settle: (costs) => settle(group, wants, costs),
      }
    },
    settle,
    learn(group, wants, used) {
      const at = now()
      wants.forEach((want, index) => {
        sweep(at)
        write(keyOf(group, want), want, used[index] ?? 0, at)
      })
    },
    size: () => buckets.size,
  }
}

function keyOf(group: string, { name }: Want): string {
  return `${group} ${name}`
}
