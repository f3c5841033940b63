/** Four replicas that share the room of one account through a real Redis: how often AWS has to say no. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { holders } from '../../src/data/limits/holders.ts'
import { openRedis } from '../../src/data/limits/redis.ts'
import type { Limits } from '../../src/data/limits.ts'
import { type Lent, newHeadroom } from '../../src/gateway/routing/headroom.ts'
import { rest } from '../../src/protocol/deadline.ts'
import { type TokenBuckets, tokenBuckets } from '../fakes/buckets.ts'
import { quoted } from '../gateway/routing/routes.ts'
import { callOf } from '../providers/call.ts'
import { findRedis, type Redis } from '../services/redis.ts'

const found = await findRedis()
if ('missing' in found) test.skip(found.missing, () => {})

const QUOTA = 1_200_000
const ACCOUNT = { account: '111111111111', region: 'us-east-1', modelId: 'us.anthropic.claude-opus-5-5' }
const [REPLICAS, DEVELOPERS, CALLS] = [4, 6, 8]
const SPENT = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 500 }

describe.skipIf('missing' in found)('replicas on one account', () => {
  let redis: Redis
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    redis = await found.start()
  })
  afterAll(() => redis.close())
  const closing: (() => unknown)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function shared(): Promise<Limits> {
    const options = { holders: holders({ now: Date.now, liveness: 60_000 }), liveness: 60_000 }
    const { limits, close } = await openRedis(redis.url, 5_000, options)
    closing.push(close)
    return limits
  }

  /** What AWS has refused after everybody has made their calls. */
  async function refusals(limitsOf: () => Promise<Limits>): Promise<TokenBuckets['counts']> {
    const aws = tokenBuckets(() => QUOTA)
    const call = await callOf({ model: 'claude-opus-5-5', max_tokens: 100_000, messages: [], tools: [{}] })
    const replicas = Array.from({ length: REPLICAS }, async (_, index) => {
      const lent: Lent = { limits: await limitsOf(), now: Date.now, rest, waitUntil() {} }
      const headroom = newHeadroom()
      const developers = Array.from({ length: DEVELOPERS }, async (__, number) => {
        await sleep(20 * (number * REPLICAS + index)) // they come one after the other, and then all at once
        for (let count = 0; count < CALLS; count++) {
          const seat = headroom.reserve(lent, quoted(QUOTA, ACCOUNT), call, `${index}-${number}`)
          await seat.ready
          const settle = aws.begin({ ...ACCOUNT, inputTokens: 0, maxTokens: 100_000 }, Date.now())
          if (!settle) {
            seat.throttled()
            continue
          }
          await sleep(150)
          settle({ input: 0, cacheWrite: 0, output: 500 }, Date.now())
          seat.settle(SPENT)
        }
      })
      await Promise.all(developers)
    })
    await Promise.all(replicas)
    return aws.counts
  }

  test('that share a store are hardly refused at all; those that do not are again and again', async () => {
    const together = await refusals(shared)
    expect(together.begun + together.throttled).toBe(REPLICAS * DEVELOPERS * CALLS)
    expect(together.throttled).toBeLessThanOrEqual(4)
    const apart = await refusals(alone)
    expect(apart.throttled).toBeGreaterThan(4 * Math.max(1, together.throttled))
  })
})

/** Each replica's bucket is full whenever it asks: it knows of nobody. */
async function alone(): Promise<Limits> {
  return { take: () => ({ granted: true, standings: [{ used: 0 }], asides: [0], settle() {} }), raise() {} }
}
