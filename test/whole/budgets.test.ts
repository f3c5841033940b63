/** Budgets under a crowd: how far past its cap one goes, on one replica and on several, with a real Postgres and Redis. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { findOwnRedis, type OwnRedis } from '../services/redis.ts'
import { ask, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, type MadeKey, SECRET_KEY, startGateway } from './gateway.ts'
import { undisturbed } from './storesight.ts'

const foundPostgres = await findPostgres()
const foundRedis = await findOwnRedis()
const missing = [foundPostgres, foundRedis].flatMap((found) => ('missing' in found ? [found.missing] : []))
if (missing.length > 0) test.skip(missing.join(' '), () => {})

const DOLLAR = 1_000_000_000
const CROWD = 200

describe.skipIf(missing.length > 0)('a budget under a crowd', () => {
  let postgres: Postgres
  let redis: OwnRedis
  let fake: FakeBedrock
  beforeAll(async () => {
    if ('missing' in foundPostgres || 'missing' in foundRedis) throw new Error(missing.join(' '))
    postgres = await foundPostgres.start()
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

  async function replicas(count: number, name: string): Promise<[Gateway, ...Gateway[]]> {
    const databaseUrl = await postgres.url(name)
    const env = { DATABASE_URL: databaseUrl, SECRET_KEY, REDIS_URL: redis.url }
    const one = await startGateway({ bedrock: fake, env })
    open.push(one)
    const others = await Promise.all(
      Array.from({ length: count - 1 }, () => startGateway({ bedrock: fake, env })),
    )
    open.push(...others)
    return [one, ...others]
  }

  /** Everybody at once at a budget of a dollar, until it is spent. */
  async function crowdAt(gateways: readonly [Gateway, ...Gateway[]]) {
    const [one] = gateways
    const key = await one.makeKey()
    await makeBudget(one, { scope: 'key', subject: key.id, cap_nano: DOLLAR })
    const before = gateways.map((each) => settledLines(each).length)
    const crowd = Array.from({ length: CROWD }, (_, index) =>
      insist(gateways[index % gateways.length] ?? one, key, index),
    )
    const ends = await Promise.all(crowd)
    const answered = ends.filter((end) => end === 'answered').length
    // Of the refusals a replica writes down only so many a minute.
    const rows = await one.settled(answered, { key: key.id, status: 'succeeded' })
    const booked = gateways.flatMap((each, index) => settledLines(each).slice(before[index]))
    expect(booked).toHaveLength(answered)
    const { body } = await standing(one, key)
    return {
      answered,
      spent: ends.filter((end) => end === 'spent').length,
      total: rows.reduce((sum, { cost_nano }) => sum + (cost_nano ?? 0), 0),
      errors: booked.reduce((sum, { aside_nano, cost_nano }) => sum + Math.max(0, cost_nano - aside_nano), 0),
      standing: body,
    }
  }

  test.each([1, 4])(
    'of $1.00, 200 callers at once, %i replica(s): never further past it than the estimates were wrong',
    async (count) => {
      const gateways = await replicas(count, `crowd${count}`)
      const { answered, spent, total, errors, standing } = await undisturbed(gateways, () =>
        crowdAt(gateways),
      )
      const overshoot = Math.max(0, total - DOLLAR)
      console.log(
        `${count} replica(s): ${answered} of ${CROWD} answered for ${shown(total)}; ${shown(overshoot)} past the cap, ` +
          `estimates were ${shown(errors)} too low in all`,
      )
      expect(answered + spent).toBe(CROWD)
      expect(total).toBeGreaterThanOrEqual(DOLLAR)
      expect(overshoot).toBeLessThanOrEqual(errors)
      expect(standing).toMatchObject({ spent_nano: total, held_nano: 0, closed: true, remaining_nano: 0 })
    },
    600_000,
  )

  test('what a replica that was killed had set aside is free again, and what it had spent stays spent', async () => {
    const gateways = await replicas(2, 'killed')
    const [one, other] = gateways
    if (!other) throw new Error('There is none.')
    const key = await one.makeKey()
    await makeBudget(one, { scope: 'key', subject: key.id, cap_nano: DOLLAR })
    expect(await insist(other, key, 3)).toBe('answered')
    const [row] = await one.settled(1, { key: key.id })
    fake.script({ kind: 'stall', at: 2, ms: 30_000 })
    const hanging = ask(other, said('!long 30'), { 'x-api-key': key.key }).catch(() => undefined)
    await eventually(async () => ((await standing(one, key)).body['held_nano'] === 0 ? undefined : true))
    await other.kill()
    await hanging
    const after = await eventually(
      async () => {
        const { body } = await standing(one, key)
        return body['held_nano'] === 0 ? body : undefined
      },
      { within: 100_000, every: 500 },
    )
    expect(after['spent_nano']).toBe(row?.cost_nano)
  })

  test('a Redis that lost everything is told by the ledger: nobody gets the money twice', async () => {
    const [gateway] = await replicas(1, 'lost')
    const key = await gateway.makeKey()
    await makeBudget(gateway, { scope: 'key', subject: key.id, cap_nano: DOLLAR / 100 })
    for (let call = 0; (await insist(gateway, key, 20)) === 'answered'; call++) expect(call).toBeLessThan(10)
    await redis.stop()
    await redis.start()
    await eventually(
      async () =>
        (await (await gateway.admin('GET', '/../metrics')).text()).includes('state="back"')
          ? true
          : undefined,
      { within: 5_000 },
    ).catch(() => {}) // it may not have noticed
    expect(await insist(gateway, key, 1)).toBe('spent')
  })
})

async function makeBudget(gateway: Gateway, wish: object) {
  const budget = { window: 'month', rules: [{ at: 100, action: 'block' }], ...wish }
  const response = await gateway.admin('POST', '/budgets', budget)
  expect(response.status, await response.clone().text()).toBe(201)
}

/** Asks as a client does: again, where it is told to come again; until it is answered, or told that it is over. */
async function insist(gateway: Gateway, { key }: MadeKey, index: number): Promise<'answered' | 'spent'> {
  for (;;) {
    // Of many lengths, so that no habit tells what the next one costs.
    const response = await ask(gateway, said(`!long ${50 + (index % 40) * 25}`), { 'x-api-key': key })
    const text = await response.text()
    if (response.status === 200) return 'answered'
    expect(response.status, text).toBe(429)
    const { error } = JSON.parse(text) as { error: { type: string; message: string } }
    if (error.type === 'billing_error') return 'spent'
    expect(error.message).toContain('no room left but for calls that are under way')
    await sleep(50 + 10 * (index % 20))
  }
}

interface Booked {
  aside_nano: number
  cost_nano: number
}

/** What the log says of calls that were answered. */
function settledLines(gateway: Gateway): Booked[] {
  return gateway
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"aside_nano"') && line.includes('"succeeded"'))
    .map((line) => JSON.parse(line) as Booked)
}

async function standing(gateway: Gateway, key: MadeKey) {
  const listed = await gateway.admin('GET', `/budgets?scope=key&subject=${key.id}`)
  const { data } = (await listed.json()) as { data: { id: string }[] }
  const response = await gateway.admin('GET', `/budgets/${data[0]?.id}/standing`)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const shown = (nano: number) => `$${(nano / DOLLAR).toFixed(4)}`
