/** Rate limits in a real Redis, over TCP and over HTTP: what every store must do, and that they agree with memory. */
import fc from 'fast-check'
import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryLimits } from '../../src/data/limits/memory.ts'
import { openRedis } from '../../src/data/limits/redis.ts'
import { upstashLimits } from '../../src/data/limits/upstash.ts'
import type { Granted, Limits, Taken, Want } from '../../src/data/limits.ts'
import { limitsSuite, type OpenedLimits } from '../data/limitssuite.ts'
import { DAY, grantedAt, wanting } from '../data/wants.ts'
import { type FakeUpstash, startFakeUpstash } from '../fakes/upstash.ts'
import { findRedis, type Redis } from '../services/redis.ts'

const found = await findRedis()
if ('missing' in found) test.skip(found.missing, () => {})

const PATIENCE = 5_000

describe.skipIf('missing' in found)('limits in a real Redis', () => {
  let redis: Redis
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

  const overTcp = async (now?: () => number): Promise<OpenedLimits> => openRedis(redis.url, PATIENCE, now)
  const overHttp = (now?: () => number): OpenedLimits => ({
    limits: upstashLimits(upstash, now),
    close() {},
  })

  describe.each([
    ['TCP', overTcp],
    ['HTTP', overHttp],
  ])('over %s', (way, open) => {
    limitsSuite(open)

    const group = (name: string) => `${way}_${name}_${process.pid}_${Date.now()}`

    test('agree with those in memory on any sequence of calls, settlements and pauses', async () => {
      const clock = { now: Date.UTC(2026, 10, 20) }
      const { limits: shared, close } = await open(() => clock.now)
      const local = memoryLimits(() => clock.now)
      const seen: Taken[] = []
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
          seen.push(...(await inStep(local, shared, group(`agree${seen.length}`), clock, steps)))
        }),
        { numRuns: 100 },
      )
      const granted = seen.filter((taken) => taken.granted).length
      const refused = seen.length - granted
      console.log(`${way}: memory and Redis agreed on ${granted} calls granted and ${refused} refused`)
      expect(Math.min(granted, refused)).toBeGreaterThan(100)
      await close()
    })

    test("go by the server's clock, and leave nothing behind once they are full again", async () => {
      const { limits, close } = await open()
      const name = group('clock')
      const want = wanting(1, { cap: 5, per: 500 })
      for (let call = 0; call < 5; call++) expect((await limits.take([{ ...want, name }])).granted).toBe(true)
      const [key = ''] = await client.keys(`*${name}`)
      expect(await client.pttl(key)).toBeGreaterThan(0)
      await expect.poll(() => client.exists(key), { timeout: 5_000 }).toBe(0)
      expect(await limits.take([{ ...want, name }])).toMatchObject(grantedAt(1))
      await close()
    })

    test('outlive a server that has forgotten the script', async () => {
      const { limits, close } = await open()
      await limits.take([wanting(1, { name: group('script') })])
      await client.script('FLUSH')
      expect(await limits.take([wanting(1, { name: group('flushed') })])).toMatchObject(grantedAt(1))
      await close()
    })
  })

  test('over TCP and over HTTP are the same limits', async () => {
    const tcp = await overTcp()
    const name = `same_${Date.now()}`
    await tcp.limits.take([wanting(9, { name })])
    expect((await overHttp().limits.take([wanting(2, { name })])).granted).toBe(false)
    await tcp.close()
  })

  test('of one call share a hash tag, so that a cluster keeps them together', async () => {
    const { limits, close } = await overTcp()
    await limits.take([wanting(1), wanting(1, { name: 'tokens' })])
    const keys = await client.keys('*{key_tagged}*')
    expect(keys.toSorted()).toEqual([
      'outcrop:limits:{key_tagged}:requests',
      'outcrop:limits:{key_tagged}:tokens',
    ])
    const slots = await Promise.all(keys.map((key) => client.call('CLUSTER', 'KEYSLOT', key).catch(() => 0)))
    expect(new Set(slots).size).toBe(1)
    await close()
  })

  test('over HTTP: one request a call, never a second try, and no word of what runs where', async () => {
    const limits: Limits = overHttp().limits
    await limits.take([wanting(1), wanting(1, { name: 'tokens' })])
    upstash.commands.length = 0
    await limits.take([wanting(1), wanting(1, { name: 'tokens' })])
    expect(upstash.commands).toEqual(['evalsha'])
    expect([...upstash.extras]).toEqual([])
    for (const failure of [
      { status: 500, body: '<html>' },
      { status: 401, body: '{"error":"Unauthorized"}' },
      { status: 200, body: '{"result":["1","x","y"]}' },
      { status: 200, body: '{"result":null}' },
    ]) {
      upstash.commands.length = 0
      upstash.failure = failure
      await expect(limits.take([wanting(1)]), failure.body).rejects.toThrow()
      expect(upstash.commands).toEqual(['evalsha'])
    }
    upstash.failure = undefined
    expect((await limits.take([wanting(1)])).granted).toBe(true)
  })
})

/** Does the same with both, and expects the same of them. */
async function inStep(
  local: Limits,
  shared: Limits,
  group: string,
  clock: { now: number },
  steps: readonly Step[],
): Promise<Taken[]> {
  const seen: Taken[] = []
  const open: [Granted, Granted][] = []
  for (const { wait, costs, settles } of steps) {
    clock.now += wait
    const wants = wantsOf(costs).map((want) => ({ ...want, name: `${group}:${want.name}` }))
    const [here, there] = [await local.take(wants), await shared.take(wants)]
    expect({ ...there, settle: null }).toEqual({ ...here, settle: null })
    seen.push(here)
    if (here.granted && there.granted) open.push([here, there])
    if (!settles) continue
    for (const grant of open.pop() ?? []) await grant.settle(settles)
  }
  return seen
}

/** In buckets that fill in a day: Redis forgets by its own clock, which must not be noticed here. */
function wantsOf([requests, tokens]: readonly [number, number]): Want[] {
  return [wanting(requests, { per: DAY }), wanting(tokens, { name: 'tokens', cap: 7_777, per: DAY })]
}

interface Step {
  wait: number
  costs: [number, number]
  settles: [number, number] | undefined
}

const costs = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 9_000 }))
const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.integer({ min: 0, max: DAY / 8 }),
  costs,
  settles: fc.option(costs, { nil: undefined }),
})
