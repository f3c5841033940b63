/** Where a process with sockets keeps its rate limits: in memory, or in the Redis that replicas share. */
import type { Config, SharedLimits } from '../config.ts'
import { type FallbackOptions, fallbackLimits, newStanding } from '../data/limits/fallback.ts'
import { memoryLimits } from '../data/limits/memory.ts'
import type { Limits } from '../data/limits.ts'

export interface OpenLimits {
  limits: Limits
  close(): void
}

type Lent = Pick<FallbackOptions, 'log' | 'metrics' | 'now'>

/** How long a start waits for the store, and how often one that is away is thought of, in milliseconds. */
const START_WITHIN = 1_000
const PROBE_EVERY = 500

/**
 * Also where the store is away: then the gateway starts without it, and finds it when it is there.
 * @param neighbours what the processes of one gateway share where there is nothing else
 */
export async function openLimits(
  { sharedLimits }: Config,
  lent: Lent,
  neighbours: Limits | undefined,
): Promise<OpenLimits> {
  const local = memoryLimits(lent.now)
  const shared = sharedLimits
    ? await openShared(sharedLimits)
    : neighbours && { limits: neighbours, close() {} }
  if (!shared) return { limits: local, close() {} }
  const limits = fallbackLimits({
    ...lent,
    shared: shared.limits,
    local,
    standing: newStanding(),
    background() {}, // a process outlives its requests
  })
  await limits.probe(START_WITHIN)
  const timer = setInterval(() => limits.probeIfDue(), PROBE_EVERY).unref()
  return {
    limits,
    close() {
      clearInterval(timer)
      shared.close()
    },
  }
}

async function openShared(where: SharedLimits): Promise<OpenLimits> {
  if (where.kind === 'redis') {
    const { openRedis } = await import('../data/limits/redis.ts')
    return openRedis(where.url, START_WITHIN)
  }
  const { upstashLimits } = await import('../data/limits/upstash.ts')
  return { limits: upstashLimits(where), close() {} }
}
