/** Where a Worker keeps its rate limits and bindings: at Upstash, which every isolate asks; else in the isolate, each for itself. */
import type { SharedLimits } from '../config.ts'
import { followedBindings } from '../data/bindings/followed.ts'
import { memoryBindings } from '../data/bindings/memory.ts'
import type { Bindings } from '../data/bindings.ts'
import { type FallbackOptions, fallbackLimits } from '../data/limits/fallback.ts'
import { holders } from '../data/limits/holders.ts'
import { memoryLimits } from '../data/limits/memory.ts'
import { newStanding } from '../data/limits/standing.ts'
import { upstashBindings, upstashLimits } from '../data/limits/upstash.ts'
import type { Limits } from '../data/limits.ts'

type Background = FallbackOptions['background']
type Lent = Pick<FallbackOptions, 'log' | 'metrics' | 'now'>

/**
 * Nobody renews a name where there is no timer: it lives on by the calls that come, and whatever was cut off with its
 * request falls back after these, at most. Milliseconds.
 */
const LIVENESS = 900_000
const TURN = 300_000

/** An isolate has 128 MB for everything. */
const MOST_BINDINGS = 10_000

export interface Stores {
  limits: Limits
  bindings: Bindings
}

/** Gives each request its own way to what the isolate keeps: it must not wait for what another one has asked. */
export function storesFor(where: SharedLimits | undefined, lent: Lent): (background: Background) => Stores {
  const local = memoryLimits(lent.now)
  const kept = memoryBindings(lent.now, MOST_BINDINGS)
  if (where?.kind !== 'upstash') return () => ({ limits: local, bindings: kept })
  const standing = newStanding()
  const options = { holders: holders({ now: lent.now, liveness: LIVENESS, turn: TURN }), liveness: LIVENESS }
  return (background) => {
    const limits = fallbackLimits({
      ...lent,
      shared: upstashLimits(where, options),
      local,
      standing,
      background,
    })
    const { probeIfDue } = limits
    const shared = upstashBindings(where)
    return { limits, bindings: followedBindings({ ...lent, shared, local: kept, standing, probeIfDue }) }
  }
}
