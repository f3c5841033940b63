/** The buckets of rates, in this process. One that is full again is forgotten: what is kept is what was lately used. */
import { type Rate, timeFor } from '../limits.ts'
import { sweep } from './sweep.ts'

export interface Buckets {
  used(rate: Rate, at: number): number
  /** @returns what is used then. */
  add(rate: Rate, amount: number, at: number): number
  /** Takes over what another store says is used. */
  learn(rate: Rate, used: number, at: number): void
  size(): number
}

interface Bucket {
  used: number
  at: number
  fullAt: number
}

export function memoryBuckets(): Buckets {
  const buckets = new Map<string, Bucket>()

  function usedOf({ name, cap, per }: Rate, at: number): number {
    const bucket = buckets.get(name)
    if (!bucket) return 0
    // A clock that was set back must not lock anybody out: however it moved, that much time has passed.
    return Math.max(0, bucket.used - (Math.abs(at - bucket.at) * cap) / per)
  }

  function write(rate: Rate, level: number, at: number): number {
    const used = Math.max(0, level)
    const fullAt = at + timeFor(used, rate)
    const bucket = buckets.get(rate.name)
    if (used === 0) {
      buckets.delete(rate.name)
    } else if (bucket) {
      bucket.used = used
      bucket.at = at
      bucket.fullAt = fullAt
    } else {
      // Those there were do not become more: only what is new makes room for itself.
      sweep(buckets, (each) => each.fullAt <= at)
      buckets.set(rate.name, { used, at, fullAt })
    }
    return used
  }

  return {
    used: usedOf,
    add: (rate, amount, at) => write(rate, usedOf(rate, at) + amount, at),
    learn: (rate, used, at) => void write(rate, used, at),
    size: () => buckets.size,
  }
}
