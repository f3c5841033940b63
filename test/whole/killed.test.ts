/** Killed at any moment: what was answered to its end is in the ledger as such, what was not is there as lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { chance } from './chance.ts'
import { eventually } from './eventually.ts'
import { type Gateway, type GatewayOptions, SECRET_KEY, type SpendRow, startGateway } from './gateway.ts'
import { type Outcome, startLoad } from './load.ts'

const KILLS = 5
const CALLERS = 8
const TAKEN_OVER = 'ledger rows of a gateway that was killed are taken over'
const SEED = 20_261_120

const found = await findPostgres()
if ('missing' in found) test.skip(found.missing, () => {})

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock({ pace: 2 })
})
afterAll(() => fake.close())

test('on the embedded database: nothing that was answered is missing', async () => {
  await judged(await killedAgainAndAgain({}))
})

describe.skipIf('missing' in found)('on Postgres', () => {
  let postgres: Postgres
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    postgres = await found.start()
  })
  afterAll(() => postgres.close())

  test('nothing that was answered is missing', async () => {
    await judged(await killedAgainAndAgain(await onPostgres('killed')))
  })

  test('a gateway that shares the data folder takes over what another one left', async () => {
    fake.reset()
    const options = await onPostgres('shared')
    const gateway = await startGateway({ bedrock: fake, ...options })
    const { key } = await gateway.makeKey()
    const load = startLoad(gateway.port, key, { callers: CALLERS })
    await eventually(() => (load.outcomes.length > 80 ? true : undefined))
    await gateway.kill()
    const outcomes = await load.stop()
    const next = await startGateway({ bedrock: fake, ...options, dataDir: gateway.dataDir })
    try {
      await judged({ gateway: next, outcomes })
      await eventually(() => (next.stdout().includes(TAKEN_OVER) ? true : undefined))
    } finally {
      await next.clear()
      await gateway.clear()
    }
  })

  async function onPostgres(name: string): Promise<GatewayOptions> {
    return { env: { DATABASE_URL: await postgres.url(name), SECRET_KEY } }
  }
})

interface Aftermath {
  gateway: Gateway
  outcomes: Outcome[]
}

/** Under load all the time, killed at random moments, and started again on the same folder. */
async function killedAgainAndAgain(options: GatewayOptions): Promise<Aftermath> {
  fake.reset()
  const dice = chance(SEED)
  const outcomes: Outcome[] = []
  let gateway = await startGateway({ bedrock: fake, ...options })
  const first = gateway
  const { key } = await gateway.makeKey()
  for (let kill = 0; kill < KILLS; kill++) {
    const load = startLoad(gateway.port, key, { callers: CALLERS })
    await eventually(() => (load.outcomes.length >= 20 ? true : undefined), { within: 60_000 })
    await sleep(dice.below(300))
    await gateway.kill()
    outcomes.push(...(await load.stop()))
    gateway = await startGateway({ bedrock: fake, ...options, dataDir: first.dataDir })
  }
  return { gateway, outcomes }
}

async function judged({ gateway, outcomes }: Aftermath) {
  try {
    const rows = await eventually(() => complete(gateway), { within: 30_000 })
    const byId = new Map(rows.map((row) => [row.id, row]))
    expect(byId.size, 'one row a request').toBe(rows.length)
    const answered = outcomes.filter(({ status }) => status === 200)
    const finished = answered.filter((outcome) => outcome.finished)
    const broken = answered.filter((outcome) => !outcome.finished)
    const lost = rows.filter(({ status }) => status === 'lost')
    console.log(
      `requests that reached the upstream ${fake.seen.length}, answered to the end ${finished.length}, broken off ` +
        `${broken.length}; rows ${rows.length}, of them lost ${lost.length}`,
    )
    expect(finished.length).toBeGreaterThan(50)
    for (const { id = '' } of finished) {
      expect(byId.get(id), id).toMatchObject({ status: 'succeeded', usage_source: 'final' })
    }
    for (const { id = '' } of broken) expect(byId.get(id)?.status, id).toMatch(/^(lost|succeeded)$/)
    for (const row of lost) {
      expect(row.usage_source).toBe('estimated')
      expect(row.usage.input).toBeGreaterThan(0)
      expect(row.cost_nano).toBeGreaterThan(0)
    }
    expect(rows.length, 'nothing that reached the upstream is missing').toBeGreaterThanOrEqual(
      fake.seen.length,
    )
    expect(rows.length).toBeLessThanOrEqual(outcomes.length)
  } finally {
    await gateway.clear()
  }
}

/** Every row, once none of them is pending any more. */
async function complete(gateway: Gateway): Promise<SpendRow[] | undefined> {
  const rows = await gateway.spend()
  return rows.every(({ status }) => status !== 'pending') ? rows : undefined
}
