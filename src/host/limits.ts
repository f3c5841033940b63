/** Where a process with sockets keeps its rate limits and bindings: in memory, or in the Redis that replicas share. */
import type { Config, SharedLimits as Where } from '../config.ts'
import { followedBindings } from '../data/bindings/followed.ts'
import { memoryBindings } from '../data/bindings/memory.ts'
import type { Bindings, SharedBindings } from '../data/bindings.ts'
import { type FallbackOptions, fallbackLimits, type SharedLimits } from '../data/limits/fallback.ts'
import { holders } from '../data/limits/holders.ts'
import { memoryLimits } from '../data/limits/memory.ts'
import { newStanding } from '../data/limits/standing.ts'
import type { Limits } from '../data/limits.ts'

export interface OpenLimits {
  limits: Limits
  bindings: Bindings
  close(): void
}

interface OpenShared {
  limits: SharedLimits
  bindings: SharedBindings
  renew(): Promise<void>
  close(): void
}

/** What the processes of one gateway share. */
interface Neighbours {
  limits: SharedLimits
  bindings: SharedBindings
}

interface Lent extends Pick<FallbackOptions, 'log' | 'metrics' | 'now'> {
  /** What a process held falls back so many milliseconds after its last word. */
  liveness?: number
}

/** How long a start waits for the store, and how often one that is away is thought of, in milliseconds. */
const START_WITHIN = 1_000
const PROBE_EVERY = 500
const LIVENESS = 60_000

/**
 * Also where the store is away: then the gateway starts without it, and finds it when it is there.
 * @param neighbours what the processes of one gateway share where there is nothing else
 */
export async function openLimits(
  { sharedLimits }: Config,
  lent: Lent,
  neighbours: Neighbours | undefined,
): Promise<OpenLimits> {
  const local = memoryLimits(lent.now)
  const kept = memoryBindings(lent.now)
  const shared = sharedLimits
    ? await openShared(sharedLimits, lent)
    : neighbours && { ...neighbours, renew: async () => {}, close() {} }
  if (!shared) return { limits: local, bindings: kept, close() {} }
  const standing = newStanding()
  const limits = fallbackLimits({
    ...lent,
    shared: shared.limits,
    local,
    standing,
    background() {}, // a process outlives its requests
  })
  await limits.probe(START_WITHIN)
  const timer = setInterval(() => {
    limits.probeIfDue()
    if (!standing.away) void shared.renew().catch(() => {}) // said again before it is too late
  }, PROBE_EVERY).unref()
  const { probeIfDue } = limits
  return {
    limits,
    bindings: followedBindings({ ...lent, shared: shared.bindings, local: kept, standing, probeIfDue }),
    close() {
      clearInterval(timer)
      shared.close()
    },
  }
}

async function openShared(where: Where, { now, liveness = LIVENESS }: Lent): Promise<OpenShared> {
  const options = { holders: holders({ now, liveness }), liveness }
  if (where.kind === 'redis') {
    const { openRedis } = await import('../data/limits/redis.ts')
    const { limits, bindings, close } = await openRedis(where.url, START_WITHIN, options)
    return { limits, bindings, renew: limits.renew, close }
  }
  const { upstashBindings, upstashLimits } = await import('../data/limits/upstash.ts')
  const limits = upstashLimits(where, options)
  return { limits, bindings: upstashBindings(where), renew: limits.renew, close() {} }
}
