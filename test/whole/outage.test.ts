/** Postgres goes away and comes back: what still works meanwhile, what is refused in which words, and what is kept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { type Relay, startRelay } from '../services/relay.ts'
import { ask, eventsIn, expectRefusal, hello, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, startGateway } from './gateway.ts'

const found = await findPostgres()
if ('missing' in found) test.skip(found.missing, () => {})

describe.skipIf('missing' in found)('while Postgres is away', () => {
  let postgres: Postgres
  let relay: Relay
  let fake: FakeBedrock
  let gateway: Gateway
  let used: { id: string; key: string }
  let unused: { id: string; key: string }
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    postgres = await found.start()
    fake = await startFakeBedrock()
    const url = new URL(await postgres.url('outage'))
    relay = await startRelay({ host: url.hostname, port: Number(url.port || 5432) })
    url.hostname = '127.0.0.1'
    url.port = String(relay.port)
    const SECRET_KEY = 'only-for-tests-abcdefghijkl-0123456789'
    gateway = await startGateway({ bedrock: fake, env: { DATABASE_URL: url.href, SECRET_KEY } })
    used = await gateway.makeKey()
    unused = await gateway.makeKey()
    await (await ask(gateway, hello(), { 'x-api-key': used.key })).text()
    await gateway.settled(1)
  })
  afterAll(async () => {
    await gateway.clear()
    await relay.close()
    await fake.close()
    await postgres.close()
  })

  test('a stream under way goes on, a key in use works, and their rows are written when it is back', async () => {
    fake.script(slow(50))
    const headers = { 'x-api-key': used.key }
    const underWay = await ask(gateway, said('!long 20', { stream: true }), headers)
    relay.cut()
    expect(eventsIn(await underWay.text()).at(-1)?.name).toBe('message_stop')
    expect((await ask(gateway, hello(), headers)).status).toBe(200)
    relay.restore()
    const rows = await eventually(() => threeRows(gateway), { within: 30_000, every: 200 })
    expect(rows.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  test('a key not seen lately is not called a bad one: 503, come back soon; nor is the gateway ready', async () => {
    relay.cut()
    const began = Date.now()
    const answer = await ask(gateway, hello(), { 'x-api-key': unused.key })
    expect(answer.headers.get('retry-after')).toBe('5')
    await expectRefusal(answer, 503, 'api_error', /database does not answer/)
    const ready = await fetch(`${gateway.url}/ready`)
    await expectRefusal(ready, 503, 'api_error', /database does not answer/)
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200)
    expect(Date.now() - began).toBeLessThan(15_000)
    relay.restore()
    await eventually(async () => ((await fetch(`${gateway.url}/ready`)).status === 200 ? true : undefined))
    expect((await ask(gateway, hello(), { 'x-api-key': unused.key })).status).toBe(200)
  })

  test('the admin API fails in the envelope, without a word of the database or its address', async () => {
    relay.cut()
    const answer = await gateway.admin('GET', '/keys')
    await expectRefusal(answer, answer.status, 'api_error', /^((?!127\.0\.0\.1|postgres|select).)*$/i)
    expect(answer.status).toBeGreaterThanOrEqual(500)
    relay.restore()
    await eventually(async () => ((await gateway.admin('GET', '/keys')).status === 200 ? true : undefined))
  })
})

async function threeRows(gateway: Gateway) {
  const response = await gateway.admin('GET', '/spend')
  if (response.status !== 200) return undefined
  const { data } = (await response.json()) as { data: { status: string }[] }
  return data.length === 3 && data.every(({ status }) => status !== 'pending') ? data : undefined
}
