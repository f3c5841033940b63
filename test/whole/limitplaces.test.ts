/** Where a process and a Worker keep what they hold: in a real Redis, and how they say there that they live. */
import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { storesFor } from '../../src/edge/limits.ts'
import { openLimits } from '../../src/host/limits.ts'
import { counters } from '../../src/protocol/metrics.ts'
import { holding } from '../data/wants.ts'
import { type FakeUpstash, startFakeUpstash } from '../fakes/upstash.ts'
import { findOwnRedis, type OwnRedis } from '../services/redis.ts'

const found = await findOwnRedis()
if ('missing' in found) test.skip(found.missing, () => {})

const ALIVE = 'outcrop:limits:{all}'

describe.skipIf('missing' in found)('what is held', () => {
  let redis: OwnRedis
  let upstash: FakeUpstash
  let client: Client
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    redis = await found.start()
    upstash = await startFakeUpstash(redis.url)
    client = new Client(redis.url)
  })
  afterAll(async () => {
    client.disconnect()
    await upstash.close()
    await redis.close()
  })

  const lent = () => ({ log: () => {}, metrics: counters(), now: Date.now })
  const lease = (name: string) => holding(1, { name, cap: 3, floor: 0 })
  const holdersOf = async (name: string) =>
    Object.keys(await client.hgetall(`${ALIVE}:${name}`)).filter((field) => !/^(spent|until)$/.test(field))
  const diesAt = async (holder: string) => Number(await client.zscore(ALIVE, holder))

  test('by a process is renewed by its timer, without a call, until it is given back', async () => {
    const config = readConfig({ REDIS_URL: redis.url })
    const { limits, close } = await openLimits(config, { ...lent(), liveness: 4_000 }, undefined)
    const taken = await limits.take([lease('host')])
    const [holder = ''] = await holdersOf('host')
    const first = await diesAt(holder)
    expect(first).toBeGreaterThan(Date.now())
    await expect.poll(() => diesAt(holder), { timeout: 4_000 }).toBeGreaterThan(first)
    if (taken.granted) await taken.settle([0])
    expect(await holdersOf('host')).toEqual([])
    close()
  })

  test('by the requests of an isolate is held under one name, for a quarter of an hour after the last of them', async () => {
    const visit = storesFor({ kind: 'upstash', url: upstash.url, token: upstash.token }, lent())
    const takes = await Promise.all([1, 2].map(() => visit(() => {}).limits.take([lease('edge')])))
    expect(takes.map(({ granted }) => granted)).toEqual([true, true])
    const holders = await holdersOf('edge')
    expect(holders).toHaveLength(1)
    const left = (await diesAt(holders[0] ?? '')) - Date.now()
    expect(left).toBeGreaterThan(890_000)
    expect(left).toBeLessThanOrEqual(900_000)
  })
})
