/** Postgres goes away and comes back: what still works meanwhile, what is refused in which words, and what is kept. */
import { setTimeout as sleep } from 'node:timers/promises'
import connect from 'postgres'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { migratePostgres } from '../../src/data/postgres.ts'
import { newSecret } from '../../src/protocol/keys.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { slow } from '../fakes/steps.ts'
import { type Relay, startRelay } from '../services/relay.ts'
import { ask, eventsIn, expectRefusal, hello, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, type MadeKey, SECRET_KEY, startGateway } from './gateway.ts'
import { launch } from './launch.ts'
import { startLoad } from './load.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

/** Longer than a key is trusted without asking, so that every key has to be asked for while nobody answers. */
const MINUTES = 75_000

describeOnPostgres('while Postgres is away', () => {
  const stage = postgresStage()

  let databases = 0
  let relay: Relay
  let direct: string
  let DATABASE_URL: string
  beforeEach(async () => {
    stage.fake.reset()
    direct = await stage.postgres.url(`outage_${++databases}`)
    const url = new URL(direct)
    relay = await startRelay({ host: url.hostname, port: Number(url.port || 5432) })
    url.hostname = '127.0.0.1'
    url.port = String(relay.port)
    DATABASE_URL = url.href
  })
  const open: { clear(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.clear()
    await relay.close()
  })

  async function started(env: Record<string, string> = {}): Promise<Gateway> {
    const gateway = await startGateway({ bedrock: stage.fake, env: { DATABASE_URL, SECRET_KEY, ...env } })
    open.push(gateway)
    return gateway
  }

  /** A key that was used a moment ago. */
  async function usedKey(gateway: Gateway): Promise<MadeKey> {
    const made = await gateway.makeKey()
    expect((await ask(gateway, hello(), { 'x-api-key': made.key })).status).toBe(200)
    return made
  }

  const ready = async (gateway: Gateway) => (await fetch(`${gateway.url}/ready`)).status

  test('for more than a minute, under load: no request is refused, and every row is written when it is back', async () => {
    const gateway = await started()
    const used = await usedKey(gateway)
    const unused = await gateway.makeKey()
    const load = startLoad(gateway.port, used.key, { callers: 4, pause: 50 })
    await eventually(() => (load.outcomes.length > 20 ? true : undefined))
    relay.cut()
    const until = Date.now() + MINUTES
    const strangers: number[] = []
    while (Date.now() < until) {
      strangers.push((await ask(gateway, hello(), { 'x-api-key': unused.key })).status)
      expect(await ready(gateway)).toBe(200)
      await sleep(1_000)
    }
    relay.restore()
    const sent = await load.stop()
    const expected = sent.length + 1
    const rows = await eventually(async () => rowsOnceThere(gateway, expected), {
      within: 60_000,
      every: 500,
    })
    const answered = sent.filter(({ finished }) => finished).length
    console.log(
      `known key: sent ${sent.length}, answered ${answered}, refused ${sent.length - answered}; unknown key: ` +
        `${strangers.length} times ${[...new Set(strangers)]}; rows expected ${expected}, found ${rows.length}`,
    )
    expect(answered).toBe(sent.length)
    expect(answered).toBeGreaterThan(300)
    expect(new Set(strangers)).toEqual(new Set([503]))
    expect(rows.every(({ status }) => status === 'succeeded')).toBe(true)
    const lines = gateway.stdout().split('\n')
    const of = (words: string) => lines.filter((line) => line.includes(words)).length
    expect(of('the database does not take ledger rows'), 'said once').toBe(1)
    expect(of('the database takes ledger rows again')).toBe(1)
  }, 180_000)

  test('a stream under way goes on; what is stopped meanwhile leaves its rows to the next start', async () => {
    const gateway = await started()
    const { key } = await usedKey(gateway)
    stage.fake.script(slow(50))
    const underWay = await ask(gateway, said('!long 20', { stream: true }), { 'x-api-key': key })
    relay.cut()
    expect(eventsIn(await underWay.text()).at(-1)?.name).toBe('message_stop')
    expect((await ask(gateway, hello(), { 'x-api-key': key })).status).toBe(200)
    expect(await gateway.stop()).toEqual({ code: 0, signal: null })
    await expect.poll(() => gateway.stdout()).toContain('rows that the database did not take are kept')
    relay.restore()
    const next = await startGateway({
      bedrock: stage.fake,
      env: { DATABASE_URL, SECRET_KEY },
      dataDir: gateway.dataDir,
    })
    open.push(next)
    const rows = await eventually(async () => rowsOnceThere(next, 3), { within: 30_000 })
    expect(rows.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  test('a key not seen lately is not called a bad one: 503, come back soon', async () => {
    const gateway = await started()
    const { key } = await gateway.makeKey()
    relay.cut()
    const answer = await ask(gateway, hello(), { 'x-api-key': key })
    expect(answer.headers.get('retry-after')).toBe('5')
    await expectRefusal(answer, 503, 'api_error', /database does not answer/)
    expect(await ready(gateway)).toBe(200)
    relay.restore()
    await eventually(async () =>
      (await ask(gateway, hello(), { 'x-api-key': key })).status === 200 ? true : undefined,
    )
  })

  test('silent instead of gone: a known key goes on, an unknown one is refused in seconds, and no row is lost', async () => {
    const gateway = await started()
    const used = await usedKey(gateway)
    const unused = await gateway.makeKey()
    await gateway.settled(1)
    relay.hold()
    const began = Date.now()
    expect((await ask(gateway, hello(), { 'x-api-key': used.key })).status).toBe(200)
    expect(Date.now() - began).toBeLessThan(1_000)
    await expectRefusal(
      await ask(gateway, hello(), { 'x-api-key': unused.key }),
      503,
      'api_error',
      /database does not answer/,
    )
    expect(Date.now() - began).toBeLessThan(10_000)
    relay.restore()
    await eventually(async () => rowsOnceThere(gateway, 2), { within: 60_000, every: 200 })
  })

  test('when it has moved to another machine without a word, the old connections are given up', async () => {
    const gateway = await started()
    const used = await usedKey(gateway)
    const unused = await gateway.makeKey()
    await gateway.settled(1)
    relay.strand()
    expect((await ask(gateway, hello(), { 'x-api-key': used.key })).status).toBe(200)
    await eventually(
      async () =>
        (await ask(gateway, hello(), { 'x-api-key': unused.key })).status === 200 ? true : undefined,
      { within: 40_000 },
    )
    await eventually(async () => rowsOnceThere(gateway, 3), { within: 40_000, every: 200 })
    // A new connection may have answered before the old one's time was up.
    await vi.waitFor(() => expect(gateway.stdout()).toContain('the database is silent'), { timeout: 20_000 })
  })

  test('the admin API fails in the envelope, without a word of the database or its address', async () => {
    const gateway = await started()
    relay.cut()
    const answer = await gateway.admin('GET', '/keys')
    await expectRefusal(answer, 503, 'api_error', /^The database does not answer\.$/)
    relay.restore()
    await eventually(async () => ((await gateway.admin('GET', '/keys')).status === 200 ? true : undefined))
  })

  test('started without it: everything is refused with 503, and it comes up by itself', async () => {
    relay.cut()
    const gateway = await startGateway({
      bedrock: stage.fake,
      env: { DATABASE_URL, SECRET_KEY },
      ready: false,
    })
    open.push(gateway)
    expect(await ready(gateway)).toBe(503)
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200)
    await expectRefusal(
      await ask(gateway, hello(), { 'x-api-key': newSecret() }),
      503,
      'api_error',
      /database does not answer/,
    )
    expect((await gateway.admin('POST', '/keys', { name: 'none' })).status).toBe(503)
    relay.restore()
    await eventually(async () => ((await ready(gateway)) === 200 ? true : undefined), { within: 15_000 })
    await usedKey(gateway)
    expect(gateway.stdout()).toContain('A first developer key')
  })

  test('with a schema of a later version it does not start, and says why', async () => {
    await migratePostgres(direct, MIGRATIONS)
    const client = connect(direct, { max: 1 })
    await client`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', ${Date.now() + 1e9})`
    await client.end()
    const launched = await launch({ env: { DATABASE_URL, SECRET_KEY } })
    open.push(launched)
    expect(await launched.exited).toEqual({ code: 1, signal: null })
    expect(launched.stderr()).toMatch(
      /^Outcrop cannot start:\nThe database has schema \d{4}, this version needs/,
    )
  })

  test('where there is no such database it does not wait, and says why', async () => {
    const url = new URL(DATABASE_URL)
    url.pathname = '/nowhere'
    const launched = await launch({ env: { DATABASE_URL: url.href, SECRET_KEY } })
    open.push(launched)
    expect(await launched.exited).toEqual({ code: 1, signal: null })
    expect(launched.stderr()).toMatch(/DATABASE_URL leads to no usable database: .*"nowhere" does not exist/)
  })
})

async function rowsOnceThere(gateway: Gateway, count: number) {
  const answer = await gateway.admin('GET', '/keys')
  if (answer.status !== 200) return undefined
  const rows = await gateway.spend()
  if (rows.length > count) throw new Error(`${rows.length} rows for ${count} requests`)
  return rows.length === count && rows.every(({ status }) => status !== 'pending') ? rows : undefined
}
