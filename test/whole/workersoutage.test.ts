/** On Workers: Postgres goes away and comes back, or is not what this version needs, or nothing is configured at all. */

import connect from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { migratePostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { slow } from '../fakes/steps.ts'
import { type Relay, startRelay } from '../services/relay.ts'
import { startWorker, type Worker } from '../services/workerd.ts'
import { ask, eventsIn, expectRefusal, hello, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const stage = postgresStage()
beforeEach(() => stage.fake?.reset())

const PATIENT = { within: 30_000, every: 200 }

describeOnPostgres.each([
  { way: 'in what a Worker does after its answer', queue: false },
  { way: 'by way of the queue', queue: true },
])('while Postgres is away, with rows kept $way', ({ queue }) => {
  let databaseUrl: string
  let worker: Worker
  let relay: Relay
  let used: { id: string; key: string }
  let unused: { id: string; key: string }
  beforeAll(async () => {
    databaseUrl = await stage.postgres.url(`workers_outage_${queue}`)
    relay = await startRelay({ host: '127.0.0.1', port: Number(new URL(databaseUrl).port || 5432) })
    worker = await startWorker({ databaseUrl, through: relay, queue, bedrock: stage.fake })
    used = await worker.makeKey()
    unused = await worker.makeKey()
    await (await ask(worker, hello(), { 'x-api-key': used.key })).text()
    await worker.settled(1)
  })
  afterEach(() => relay.restore())
  afterAll(async () => {
    await worker?.clear()
    await relay?.close()
  })

  const CALLS = 20

  test('a key in use works, a stream goes on, and each row is there exactly once when it is back', async () => {
    stage.fake.script(slow(50))
    const headers = { 'x-api-key': used.key }
    const underWay = await ask(worker, said('!long 20', { stream: true }), headers)
    relay.cut()
    expect(eventsIn(await underWay.text()).at(-1)?.name).toBe('message_stop')
    const answers = await Promise.all(Array.from({ length: CALLS }, () => ask(worker, hello(), headers)))
    expect(answers.map(({ status }) => status)).toEqual(Array(CALLS).fill(200))
    const ids = answers.map((answer) => answer.headers.get('request-id'))
    await Promise.all(answers.map((answer) => answer.text()))
    if (queue) {
      const settled = async () =>
        (await worker.queue.rows()).filter(({ status }) => status === 'succeeded').length
      await eventually(async () => ((await settled()) === CALLS + 1 ? true : undefined), PATIENT)
      expect(await worker.queue.deliver(), 'messages that come again').toBeGreaterThan(0)
    }
    relay.restore()
    if (queue)
      await eventually(async () => ((await worker.queue.deliver()) === 0 ? true : undefined), PATIENT)
    const rows = await eventually(async () => {
      const all = await worker.spend()
      return all.length === CALLS + 2 && all.every(({ status }) => status !== 'pending') ? all : undefined
    }, PATIENT)
    console.info(`${CALLS + 1} calls sent while Postgres was away or left, ${rows.length - 1} rows found`)
    expect(rows.filter(({ id }) => ids.includes(id))).toHaveLength(CALLS)
    expect(rows.map(({ status }) => status)).toEqual(Array(CALLS + 2).fill('succeeded'))
  })

  test('a row that hangs in a Postgres which has fallen silent is there once when it speaks again', async () => {
    const made = await worker.makeKey()
    const headers = { 'x-api-key': made.key }
    await (await ask(worker, hello(), headers)).text()
    await worker.settled(1, { key: made.id })
    const client = connect(databaseUrl, { max: 1 })
    const [locked, unlock] = await new Promise<[Promise<unknown>, () => void]>((resolve) => {
      const whole: Promise<unknown> = client.begin(async (transaction) => {
        await transaction`lock table requests in access exclusive mode`
        await new Promise<void>((release) => resolve([whole, release]))
      })
    })
    const answer = await ask(worker, hello(), headers)
    expect(answer.status).toBe(200)
    const id = answer.headers.get('request-id')
    const isQueued = async () =>
      (await worker.queue.rows()).some((row) => row.id === id && row.status === 'succeeded') || undefined
    if (queue) await eventually(isQueued, PATIENT)
    unlock()
    await locked
    await client.end()
    if (queue)
      await eventually(async () => ((await worker.queue.deliver()) === 0 ? true : undefined), PATIENT)
    const rows = await worker.settled(2, { key: made.id })
    expect(rows.map((row) => [row.id === id, row.status])).toEqual([
      [false, 'succeeded'],
      [true, 'succeeded'],
    ])
  })

  test('a key not seen lately is not called a bad one: 503, come back soon; nor is the Worker ready', async () => {
    relay.cut()
    const began = Date.now()
    const answer = await ask(worker, hello(), { 'x-api-key': unused.key })
    expect(answer.headers.get('retry-after')).toBe('5')
    await expectRefusal(answer, 503, 'api_error', /database does not answer/)
    await expectRefusal(await fetch(`${worker.url}/ready`), 503, 'api_error', /database does not answer/)
    expect((await fetch(`${worker.url}/health`)).status).toBe(200)
    expect(Date.now() - began).toBeLessThan(15_000)
    relay.restore()
    await eventually(async () => ((await fetch(`${worker.url}/ready`)).status === 200 ? true : undefined))
    expect((await ask(worker, hello(), { 'x-api-key': unused.key })).status).toBe(200)
  })
})

describeOnPostgres('a Worker whose database is not what this version needs', () => {
  let worker: Worker | undefined
  afterEach(() => worker?.clear())

  test('says so to everybody, and works once it is migrated, without a new deployment', async () => {
    const databaseUrl = await stage.postgres.url('workers_schema')
    worker = await startWorker({ databaseUrl, migrate: false, ready: false })
    const refused = await ask(worker, hello(), { 'x-api-key': 'oc_any' })
    expect(refused.headers.get('retry-after')).toBe('30')
    await expectRefusal(
      refused,
      503,
      'api_error',
      /has no schema yet, this version needs \d{4}: run npm run db:migrate\.$/,
    )
    expect(worker.stdout()).toMatch(/"level":"error","message":"The database has no schema yet/)
    await migratePostgres(databaseUrl, MIGRATIONS)
    const { url } = worker
    await eventually(async () => ((await fetch(`${url}/ready`)).status === 200 ? true : undefined))
    await worker.makeKey()
  })

  test('refuses one that is newer', async () => {
    const databaseUrl = await stage.postgres.url('workers_newer')
    worker = await startWorker({ databaseUrl })
    await worker.clear()
    const client = connect(databaseUrl, { max: 1 })
    await client`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', ${Date.now() * 2})`
    await client.end()
    worker = await startWorker({ databaseUrl, migrate: false, ready: false })
    const refused = await fetch(`${worker.url}/ready`)
    await expectRefusal(
      refused,
      503,
      'api_error',
      /has schema \d{4}, this version needs \d{4}: run a newer version/,
    )
  })

  test('starts with the database down, answers 503, and recovers alone', async () => {
    const databaseUrl = await stage.postgres.url('workers_cold')
    const relay = await startRelay({ host: '127.0.0.1', port: Number(new URL(databaseUrl).port || 5432) })
    worker = await startWorker({ databaseUrl, bedrock: stage.fake })
    const { key } = await worker.makeKey()
    await worker.clear()
    relay.cut()
    worker = await startWorker({
      databaseUrl,
      migrate: false,
      through: relay,
      ready: false,
      bedrock: stage.fake,
    })
    const answer = await ask(worker, hello(), { 'x-api-key': key })
    await expectRefusal(answer, 503, 'api_error', /database does not answer/)
    await expectRefusal(await fetch(`${worker.url}/ready`), 503, 'api_error', /database does not answer/)
    relay.restore()
    const { url } = worker
    await eventually(async () => ((await fetch(`${url}/ready`)).status === 200 ? true : undefined))
    expect((await ask(worker, hello(), { 'x-api-key': key })).status).toBe(200)
    await worker.settled(1)
    await relay.close()
  })
})

describe('a Worker that is not configured', () => {
  let worker: Worker | undefined
  afterEach(() => worker?.clear())

  test('answers every request in the envelope, naming what is missing and nothing of what is there', async () => {
    worker = await startWorker({ ready: false, env: { SECRET_KEY: '', AWS_REGION: 'virginia-is-lovely' } })
    for (const path of ['/v1/messages', '/ready', '/']) {
      const answer = await fetch(`${worker.url}${path}`, { method: path === '/' ? 'GET' : 'POST' })
      await expectRefusal(
        answer,
        500,
        'api_error',
        /^The gateway is not configured\. AWS_REGION must be an AWS region/,
      )
    }
    expect(worker.stdout()).toMatch(/"level":"error","message":"The gateway is not configured. AWS_REGION/)
    expect(worker.stdout()).not.toMatch(/virginia/)
    await worker.clear()
    worker = await startWorker({ ready: false, env: { SECRET_KEY: '' } })
    const answer = await fetch(`${worker.url}/health`)
    await expectRefusal(
      answer,
      500,
      'api_error',
      /SECRET_KEY must be set.*\nHYPERDRIVE must be bound.*DATABASE_URL/,
    )
  })
})
