/** Where a Worker keeps its rate limits: at Upstash, which every isolate asks; else in the isolate, each for itself. */
import type { SharedLimits } from '../config.ts'
import { type FallbackOptions, fallbackLimits } from '../data/limits/fallback.ts'
import { holders } from '../data/limits/holders.ts'
import { memoryLimits } from '../data/limits/memory.ts'
import { newStanding } from '../data/limits/standing.ts'
import { upstashLimits } from '../data/limits/upstash.ts'
import type { Limits } from '../data/limits.ts'

type Background = FallbackOptions['background']
type Lent = Pick<FallbackOptions, 'log' | 'metrics' | 'now'>

/**
 * Nobody renews a name where there is no timer: it lives on by the calls that come, and whatever was cut off with its
 * request falls back after these, at most. Milliseconds.
 */
const LIVENESS = 900_000
const TURN = 300_000

/** Gives each request its own way to what the isolate keeps: it must not wait for what another one has asked. */
export function limitsFor(where: SharedLimits | undefined, lent: Lent): (background: Background) => Limits {
  const local = memoryLimits(lent.now)
  if (where?.kind !== 'upstash') return () => local
  const standing = newStanding()
  const options = { holders: holders({ now: lent.now, liveness: LIVENESS, turn: TURN }), liveness: LIVENESS }
  return (background) =>
    fallbackLimits({ ...lent, shared: upstashLimits(where, options), local, standing, background })
}
