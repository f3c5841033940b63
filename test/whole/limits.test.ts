/** Replicas that share their limits in a real Redis: how exactly a limit holds, and what its outages cost. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { findOwnRedis, type OwnRedis } from '../services/redis.ts'
import { ask, hello } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, type SpendRow, startGateway } from './gateway.ts'
import { calm, storeLines, undisturbed } from './storesight.ts'

const foundPostgres = await findPostgres()
const foundRedis = await findOwnRedis()
const missing = [foundPostgres, foundRedis].flatMap((found) => ('missing' in found ? [found.missing] : []))
if (missing.length > 0) test.skip(missing.join(' '), () => {})

describe.skipIf(missing.length > 0)('limits that replicas share', () => {
  let postgres: Postgres
  let redis: OwnRedis
  let fake: FakeBedrock
  let databaseUrl: string
  beforeAll(async () => {
    if ('missing' in foundPostgres || 'missing' in foundRedis) throw new Error(missing.join(' '))
    postgres = await foundPostgres.start()
    databaseUrl = await postgres.url('limits')
    redis = await foundRedis.start()
    fake = await startFakeBedrock()
  })
  afterAll(async () => {
    await fake.close()
    await redis.close()
    await postgres.close()
  })

  const open: Gateway[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.clear()))
  })

  async function replica(more: Record<string, string> = {}): Promise<Gateway> {
    const env = { DATABASE_URL: databaseUrl, SECRET_KEY, REDIS_URL: redis.url, ...more }
    const gateway = await startGateway({ bedrock: fake, env })
    open.push(gateway)
    return gateway
  }

  test('hold over four replicas within 5 %, of requests and of tokens', async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => replica()))
    const [one] = replicas
    if (!one) throw new Error('There is none.')
    for (const each of replicas) await inTurn(each, await limitedKey(one, {}), 20)
    const requests = await undisturbed(replicas, async () => {
      const key = await limitedKey(one, { requests_per_minute: 240 })
      const asked = await hammer(replicas, key, ENOUGH)
      const allowed = 240 + (240 * asked.ms) / 60_000
      console.log(`requests: ${told(asked)}; by the limit ${Math.round(allowed)}`)
      expect(Object.keys(asked.statuses)).toEqual(['200', '429'])
      return { used: asked.statuses[200] ?? 0, allowed }
    })
    expectWithin5Percent(requests)
    const tokens = await undisturbed(replicas, async () => {
      const key = await limitedKey(one, { tokens_per_minute: 20_000 })
      const asked = await hammer(replicas, key, ENOUGH)
      const rows = await one.settled(asked.statuses[200] ?? 0, { key: key.id })
      const used = rows.reduce((sum, { usage }) => sum + counted(usage), 0)
      const allowed = 20_000 + (20_000 * asked.ms) / 60_000
      console.log(`tokens: ${told(asked)}; used ${used}, by the limit ${Math.round(allowed)}`)
      return { used, allowed }
    })
    expectWithin5Percent(tokens)
  })

  describe.each([
    ['stopped', () => redis.stop(), () => redis.start()],
    ['paused', () => redis.pause(), () => redis.resume()],
  ] as const)('when Redis is %s', (how, away, back) => {
    test('a request waits 100 ms at most, none is refused, and one line says it; it mends itself', async () => {
      const gateway = await replica()
      const key = await limitedKey(gateway, { requests_per_minute: 100_000, tokens_per_minute: 100_000_000 })
      await inTurn(gateway, key, 20)
      await atOnce(gateway, key)
      const before = await inTurn(gateway, key, 100)
      const beforeAtOnce = await atOnce(gateway, key)
      const said = await calm(gateway)
      const news = () => storeLines(gateway).slice(said)
      await away()
      // Those that are under way together find out together.
      const first = await atOnce(gateway, key)
      const during = await inTurn(gateway, key, 100)
      expect(news()).toEqual(['warn'])
      await back()
      await eventually(() => (news().length > 1 ? true : undefined), { within: 15_000 })
      expect(news()).toEqual(['warn', 'info'])
      const after = await inTurn(gateway, key, 100)
      console.log(
        `${how}: with it ${spread(before)}, ${spread(beforeAtOnce)} at once; the first without, at once, ${spread(first)}; then ${spread(during)}; ` +
          `back ${spread(after)}`,
      )
      // What a busy machine adds by itself is not the store's doing.
      const noise = Math.max(...before) - median(before)
      expect(Math.max(...first) - median(beforeAtOnce)).toBeLessThan(100 + noise)
      expect(median(during) - median(before)).toBeLessThan(10 + noise)
      const metrics = await (await gateway.admin('GET', '/../metrics')).text()
      expect(metrics).toMatch(/outcrop_limits_store_total\{state="away"\} \d/)
      expect(metrics).toMatch(/outcrop_limits_store_total\{state="back"\} \d/)
      expect(metrics).not.toContain('outcrop_limit_refusals_total')
    })

    test('a limit holds all the same, for each replica by itself', async () => {
      const gateway = await replica()
      const key = await limitedKey(gateway, { requests_per_minute: 30 })
      await inTurn(gateway, key, 10)
      await calm(gateway)
      await away()
      const asked = await hammer([gateway], key, ENOUGH)
      await back()
      console.log(`${how}: 10 of 30 used before; then ${told(asked)}`)
      expect(asked.statuses[200]).toBeGreaterThanOrEqual(20)
      expect(asked.statuses[200]).toBeLessThanOrEqual(21 + asked.ms / 2_000)
      expect(storeLines(gateway)).toContain('warn')
    })
  })

  test('a gateway that starts while Redis is away comes up, says so once, and finds it when it is there', async () => {
    await redis.stop()
    const gateway = await replica()
    const key = await limitedKey(gateway, { requests_per_minute: 100 })
    await inTurn(gateway, key, 5)
    expect(storeLines(gateway)).toEqual(['warn'])
    await expect.poll(() => gateway.stdout()).toContain('ECONNREFUSED')
    await redis.start()
    await eventually(() => (storeLines(gateway).length === 2 ? true : undefined), { within: 15_000 })
    await inTurn(gateway, key, 5)
    expect(storeLines(gateway)).toEqual(['warn', 'info'])
    expect(await gateway.stop()).toEqual({ code: 0, signal: null })
    expect(gateway.stderr()).toBe('')
  })

  test('a wrong password of Redis is a line in the log, without the password', async () => {
    const gateway = await replica({ REDIS_URL: redis.url.replace('redis://', 'redis://someone:hunter2@') })
    const key = await limitedKey(gateway, { requests_per_minute: 100 })
    await inTurn(gateway, key, 3)
    expect(storeLines(gateway)).toEqual(['warn'])
    expect(gateway.stdout() + gateway.stderr()).not.toContain('hunter2')
  })
})

interface LimitedKey {
  id: string
  headers: { 'x-api-key': string }
}

async function limitedKey(gateway: Gateway, limits: object): Promise<LimitedKey> {
  const { id, key } = await gateway.makeKey()
  expect((await gateway.admin('PATCH', `/keys/${id}`, { limits })).status).toBe(200)
  return { id, headers: { 'x-api-key': key } }
}

/** Milliseconds that an answer took, which must be one. */
async function timed(gateway: Gateway, { headers }: LimitedKey): Promise<number> {
  const began = performance.now()
  const response = await ask(gateway, hello(), headers)
  expect(response.status, await response.text()).toBe(200)
  return performance.now() - began
}

async function inTurn(gateway: Gateway, key: LimitedKey, count: number): Promise<number[]> {
  const times: number[] = []
  for (let request = 0; request < count; request++) times.push(await timed(gateway, key))
  return times
}

function atOnce(gateway: Gateway, key: LimitedKey): Promise<number[]> {
  return Promise.all(Array.from({ length: 4 }, () => timed(gateway, key)))
}

interface Hammered {
  statuses: Record<string, number>
  ms: number
}

const WORKERS = 12
/** Refusals after which a limit has shown itself. */
const ENOUGH = 200

/** As many requests as will go, to all of them, until so many were refused. */
async function hammer(
  replicas: readonly Gateway[],
  { headers }: LimitedKey,
  refusals: number,
): Promise<Hammered> {
  const statuses: Record<string, number> = {}
  const began = performance.now()
  const worker = async (_: unknown, index: number) => {
    for (let turn = index; (statuses[429] ?? 0) < refusals; turn++) {
      const gateway = replicas[turn % replicas.length]
      if (!gateway) throw new Error('There is no replica.')
      const response = await ask(gateway, hello(), headers)
      await response.text()
      statuses[response.status] = (statuses[response.status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  return { statuses, ms: performance.now() - began }
}

/** What a token limit counts. */
function counted(usage: SpendRow['usage']): number {
  return usage.input + usage.cache_write_5m + usage.cache_write_1h + usage.output
}

interface Measured {
  used: number
  allowed: number
}

function expectWithin5Percent({ used, allowed }: Measured) {
  expect(used).toBeGreaterThan(allowed * 0.95)
  expect(used).toBeLessThan(allowed * 1.05)
}

const sorted = (times: readonly number[]) => times.toSorted((a, b) => a - b)
const median = (times: readonly number[]) => sorted(times)[Math.floor(times.length / 2)] ?? 0
const spread = (times: readonly number[]) =>
  `${times.length} answered, median ${median(times).toFixed(1)} ms, max ${Math.max(...times).toFixed(1)} ms`
const told = ({ statuses, ms }: Hammered) =>
  `${statuses[200] ?? 0} answered, ${statuses[429] ?? 0} refused in ${(ms / 1_000).toFixed(1)} s`
