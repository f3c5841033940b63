/** What only Workers do, on a real workerd: hang-ups that end the event, a clock from outside, rows by way of a queue. */
import connect from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startFakeNeon } from '../fakes/neon.ts'
import { slow } from '../fakes/steps.ts'
import { startWorker, type Worker } from '../services/workerd.ts'
import { ask, hello } from './caller.ts'
import { eventually } from './eventually.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'
import { stream } from './streams.ts'

const stage = postgresStage()
beforeEach(() => stage.fake?.reset())

describeOnPostgres('a Worker', () => {
  let databaseUrl: string
  let worker: Worker
  let key: string
  let keyId: string
  beforeAll(async () => {
    databaseUrl = await stage.postgres.url('worker')
    worker = await startWorker({ databaseUrl, bedrock: stage.fake })
  })
  beforeEach(async () => {
    const made = await worker.makeKey()
    key = made.key
    keyId = made.id
  })
  afterAll(() => worker?.clear())

  test('answers soon after its process is there', () => {
    console.info(`workerd with the Worker: ${Math.round(worker.startedIn)} ms to the first answer`)
    expect(worker.startedIn).toBeLessThan(5_000)
  })

  /** The one request upstream, and how long after `since` it was given up. */
  async function givenUp(since: number): Promise<number> {
    const gone = await eventually(() => stage.fake.seen.find(({ closedEarly }) => closedEarly), {
      within: 5_000,
    })
    return (gone.closedAt ?? Number.POSITIVE_INFINITY) - since
  }

  test('hung up on in the middle of a stream: upstream hears of it, and the row is settled all the same', async () => {
    stage.fake.script(slow(50))
    const caller = stream(worker.port, key, '!long 1000')
    await caller.answered
    const since = Date.now()
    caller.reset()
    expect(await givenUp(since)).toBeLessThan(1_000)
    const [row] = await worker.settled(1, { key: keyId })
    expect(row).toMatchObject({ status: 'cancelled', usage_source: 'partial', error_type: null })
    expect(row?.cost_nano).toBeGreaterThan(0)
  })

  // As a client of Cloudflare's, whose going is told from hop to hop. To a bare workerd, a mere end of what the client
  // sends is no hang-up before there is something to write.
  test.each(['before headers', 'after headers', 3] as const)(
    'hung up on while upstream is silent (%s): the same',
    async (at) => {
      for (const streams of [true, false]) {
        stage.fake.reset()
        stage.fake.script({ kind: 'stall', at })
        const caller = stream(worker.port, key, '!say one', { stream: streams })
        await eventually(() => stage.fake.seen[0], { every: 5 })
        if (at === 3 && streams) await caller.answered
        const since = Date.now()
        caller.reset()
        expect(await givenUp(since)).toBeLessThan(1_000)
      }
      const rows = await worker.settled(2, { key: keyId })
      expect(rows.map(({ status, error_type }) => [status, error_type])).toEqual([
        ['cancelled', null],
        ['cancelled', null],
      ])
    },
  )

  test('answers many at once, none of which waits for what another has begun', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => ask(worker, hello(), { 'x-api-key': key })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))
    await worker.settled(40, { key: keyId })
  })

  test('does by the cron trigger what a process does by a timer', async () => {
    await expect(worker.everyHour()).resolves.toBeUndefined()
  })

  test('leaves no connection to Postgres behind', async () => {
    const client = connect(databaseUrl, { max: 1 })
    const others = async () => {
      const [row] = await client<{ count: number }[]>`select count(*)::int from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`
      return row?.count
    }
    await Promise.all(Array.from({ length: 20 }, () => fetch(`${worker.url}/ready`)))
    await eventually(async () => ((await others()) === 0 ? true : undefined))
    await client.end()
  })

  test('complains of nothing meanwhile', () => {
    expect(worker.stdout() + worker.stderr()).not.toMatch(/"level":"(warn|error)"|hung|Uncaught/)
  })
})

describeOnPostgres.each(['http', 'websocket'] as const)('a Worker at Neon, over %s', (wire) => {
  test('makes keys, answers, and settles rows, also of a caller that hung up', async () => {
    const neon = await startFakeNeon()
    const databaseUrl = await stage.postgres.url(`worker_neon_${wire}`)
    const worker = await startWorker({ databaseUrl, neon: { host: neon.host, wire }, bedrock: stage.fake })
    const { key } = await worker.makeKey()
    expect((await ask(worker, hello(), { 'x-api-key': key })).status).toBe(200)
    stage.fake.script(slow(50))
    const caller = stream(worker.port, key, '!long 1000')
    await caller.answered
    caller.reset()
    const rows = await worker.settled(2)
    expect(rows.map(({ status }) => status)).toEqual(['succeeded', 'cancelled'])
    expect(worker.stdout() + worker.stderr()).not.toMatch(/"level":"(warn|error)"|Uncaught/)
    await worker.clear()
    await neon.close()
  })
})
