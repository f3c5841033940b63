/** Four replicas on a real Redis, three upstreams: a session is served by one of them, whichever replica it comes to. */
import connect from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migratePostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { findOwnRedis, type OwnRedis } from '../services/redis.ts'
import { ask, hello, MODEL } from './caller.ts'
import { type Chance, chance } from './chance.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, startGateway } from './gateway.ts'

const foundPostgres = await findPostgres()
const foundRedis = await findOwnRedis()
const missing = [foundPostgres, foundRedis].flatMap((found) => ('missing' in found ? [found.missing] : []))
if (missing.length > 0) test.skip(missing.join(' '), () => {})

const REPLICAS = 4
const SESSIONS = 24
/** What the environment describes goes by no name of its own. */
const NAMES = ['default', 'bravo', 'charlie'] as const
type Name = (typeof NAMES)[number]

describe.skipIf(missing.length > 0)('sessions over four replicas', () => {
  let postgres: Postgres
  let redis: OwnRedis
  const fakes = new Map<Name, FakeBedrock>()
  let replicas: Gateway[] = []
  let key = ''

  beforeAll(async () => {
    if ('missing' in foundPostgres || 'missing' in foundRedis) throw new Error(missing.join(' '))
    postgres = await foundPostgres.start()
    redis = await foundRedis.start()
    const DATABASE_URL = await postgres.url('sticky')
    for (const name of NAMES) fakes.set(name, await startFakeBedrock())
    await migratePostgres(DATABASE_URL, MIGRATIONS)
    await setUp(DATABASE_URL, fakes)
    const env = { DATABASE_URL, SECRET_KEY, REDIS_URL: redis.url, EGRESS_ALLOW_LOOPBACK: 'true' }
    const bedrock = fakes.get('default')
    if (!bedrock) throw new Error('there is none')
    replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startGateway({ bedrock, env })))
    key = (await one(replicas).makeKey()).key
  }, 120_000)
  afterAll(async () => {
    await Promise.all(replicas.map((each) => each.clear()))
    await Promise.all([...fakes.values()].map((each) => each.close()))
    await redis?.close()
    await postgres?.close()
  })

  /** A call of a session by a replica, which must be answered. @returns its row's id. */
  async function call(replica: Gateway, session: string, model = MODEL): Promise<string> {
    const headers = { 'x-api-key': key, 'x-claude-code-session-id': session }
    const answer = await ask(replica, hello({ model }), headers)
    expect(answer.status, await answer.text()).toBe(200)
    return answer.headers.get('request-id') ?? ''
  }

  /** Calls of many sessions, each one's in turn, those of several at once. @returns where each session's ran, by the ledger. */
  async function run(sessions: readonly string[], turns: (session: number) => readonly Gateway[]) {
    const ids = new Map<string, string[]>()
    const queue = [...sessions.keys()]
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const session = sessions[next] ?? ''
        const made: string[] = []
        for (const replica of turns(next)) made.push(await call(replica, session))
        ids.set(session, made)
      }
    }
    await Promise.all(Array.from({ length: 6 }, worker))
    const upstreams = await ranAt([...ids.values()].flat())
    return new Map([...ids].map(([session, made]) => [session, made.map((id) => upstreams.get(id) ?? '')]))
  }

  async function ranAt(ids: readonly string[]): Promise<Map<string, string>> {
    const wanted = new Set(ids)
    return eventually(
      async () => {
        const rows = (await one(replicas).spend()).filter(({ id }) => wanted.has(id))
        const isWhole = rows.length === wanted.size && rows.every(({ status }) => status !== 'pending')
        return isWhole ? new Map(rows.map(({ id, upstream }) => [id, nameOf(upstream)])) : undefined
      },
      { within: 30_000, every: 200 },
    )
  }

  const dice: Chance = chance(7)
  const anyReplica = () => replicas[dice.below(REPLICAS)] ?? one(replicas)
  const times = (count: number) => () => Array.from({ length: count }, anyReplica)
  const eachOnce = () =>
    replicas
      .map((each) => ({ each, at: dice.below(1_000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each)

  async function asked(): Promise<number> {
    const counts = await Promise.all(
      replicas.map(
        async (each) =>
          /outcrop_bindings_asked_total (\d+)/.exec(
            await (await each.admin('GET', '/../metrics')).text(),
          )?.[1],
      ),
    )
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0)
  }

  const named = (prefix: string) => Array.from({ length: SESSIONS }, (_, index) => `${prefix}-${index}`)

  test('stay on one upstream; when it goes they move, once and together; when Redis goes replicas still agree', async () => {
    const sessions = named('first')
    const calm = await run(sessions, times(6))
    expect(placesOf(calm)).toEqual(onePlaceEach(sessions))
    const home = new Map([...calm].map(([session, [place = '']]) => [session, place]))
    const shares = counted(home.values())
    expect(Object.keys(shares).toSorted()).toEqual([...NAMES].toSorted())
    const questions = await asked()
    console.log(
      `calm: ${SESSIONS} sessions x 6 calls over ${REPLICAS} replicas: ${JSON.stringify(shares)}; ` +
        `asked of the store before a call: ${questions} of ${SESSIONS * 6} calls`,
    )
    // At most once for each session that comes to a replica for the first time, as long as none pauses.
    expect(questions).toBeLessThanOrEqual(SESSIONS * REPLICAS)

    const gone = fakes.get('bravo')
    if (!gone) throw new Error('there is none')
    await gone.close()
    const without = await run(sessions, eachOnce)
    const moved = sessions.filter((session) => home.get(session) === 'bravo')
    for (const session of sessions) {
      const places = new Set(without.get(session))
      expect([...places], session).toHaveLength(1)
      if (!moved.includes(session)) expect([...places], session).toEqual([home.get(session)])
    }
    const now = new Map([...without].map(([session, [place = '']]) => [session, place]))
    console.log(
      `bravo gone: its ${moved.length} sessions are at ${JSON.stringify(counted(moved.map((session) => now.get(session) ?? '')))}, ` +
        `${SESSIONS - moved.length} others have not moved, ${SESSIONS * REPLICAS} calls answered`,
    )

    fakes.set('bravo', await startFakeBedrock({ port: Number(new URL(gone.url).port) }))
    for (const [index, replica] of replicas.entries()) await found(replica, `back-${index}`)
    const after = await run(sessions, times(4))
    for (const session of sessions)
      expect([...new Set(after.get(session))], session).toEqual([now.get(session)])

    await redis.stop()
    const strangers = named('second')
    const alone = await run([...sessions, ...strangers], eachOnce)
    for (const session of sessions)
      expect([...new Set(alone.get(session))], session).toEqual([now.get(session)])
    for (const session of strangers) expect([...new Set(alone.get(session))], session).toHaveLength(1)
    const fresh = counted(strangers.map((session) => alone.get(session)?.[0] ?? ''))
    expect(Object.keys(fresh)).toHaveLength(NAMES.length)
    console.log(`Redis gone: ${SESSIONS} sessions stay, ${SESSIONS} new ones are at ${JSON.stringify(fresh)}`)
    await redis.start()
  }, 240_000)

  /** An upstream that has failed is let in by its own name, until the replica knows it as good. */
  async function found(replica: Gateway, session: string) {
    await eventually(
      async () => {
        const headers = { 'x-api-key': key, 'x-claude-code-session-id': session }
        const answer = await ask(replica, hello({ model: `bravo/${MODEL}` }), headers)
        await answer.text()
        if (answer.status !== 200) return undefined
        const seen = (await (await replica.admin('GET', `/routing/preview?model=${MODEL}`)).json()) as {
          upstreams: { name: string; reason: string | null }[]
        }
        return seen.upstreams.every(({ reason }) => reason === null) ? true : undefined
      },
      { within: 60_000, every: 500 },
    )
  }
})

/** As an admin would, beside the one of the environment. */
async function setUp(databaseUrl: string, fakes: ReadonlyMap<Name, FakeBedrock>) {
  const sql = connect(databaseUrl, { max: 1, onnotice() {} })
  for (const [name, { url, region }] of fakes) {
    if (name === 'default') continue
    const settings = { endpoint: url, controlEndpoint: url }
    await sql`insert into upstreams (id, kind, name, region, settings, created_at)
      values (${`upstream_${name}`}, 'bedrock', ${name}, ${region}, ${sql.json(settings)}, now())`
  }
  await sql.end()
}

function nameOf(upstream: string): string {
  return upstream.replace('upstream_', '')
}

function placesOf(runs: ReadonlyMap<string, readonly string[]>): Record<string, number> {
  return Object.fromEntries([...runs].map(([session, places]) => [session, new Set(places).size]))
}

function onePlaceEach(sessions: readonly string[]): Record<string, number> {
  return Object.fromEntries(sessions.map((session) => [session, 1]))
}

function counted(names: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

function one([first]: readonly Gateway[]): Gateway {
  if (!first) throw new Error('There is no replica.')
  return first
}
