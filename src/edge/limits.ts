/** Where a Worker keeps its rate limits: at Upstash, which every isolate asks; else in the isolate, each for itself. */
import type { SharedLimits } from '../config.ts'
import { type FallbackOptions, fallbackLimits, newStanding } from '../data/limits/fallback.ts'
import { memoryLimits } from '../data/limits/memory.ts'
import { upstashLimits } from '../data/limits/upstash.ts'
import type { Limits } from '../data/limits.ts'

type Background = FallbackOptions['background']
type Lent = Pick<FallbackOptions, 'log' | 'metrics' | 'now'>

/** Gives each request its own way to what the isolate keeps: it must not wait for what another one has asked. */
export function limitsFor(where: SharedLimits | undefined, lent: Lent): (background: Background) => Limits {
  const local = memoryLimits(lent.now)
  if (where?.kind !== 'upstash') return () => local
  const standing = newStanding()
  return (background) =>
    fallbackLimits({ ...lent, shared: upstashLimits(where), local, standing, background })
}
