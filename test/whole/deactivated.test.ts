/** Who is deactivated on one replica is refused on the other: real processes on a real Postgres, by the clock. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, expectRefusal, hello, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, startGateway } from './gateway.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

/** What is promised, and what this may take beside it on a machine that has other things to do. */
const PROMISED = 60_000
const BESIDE = 5_000

describeOnPostgres('on two replicas', () => {
  const stage = postgresStage()
  let here: Gateway
  let elsewhere: Gateway
  beforeAll(async () => {
    const env = { DATABASE_URL: await stage.postgres.url('deactivated'), SECRET_KEY }
    const start = () => startGateway({ bedrock: stage.fake, env })
    ;[here, elsewhere] = await Promise.all([start(), start()])
  })
  afterAll(async () => {
    await Promise.all([here?.clear(), elsewhere?.clear()])
  })

  const made = async (path: string, body: object) => {
    const response = await here.admin('POST', path, body)
    expect(response.status).toBe(201)
    return (await response.json()) as { id: string; key: string; token: string }
  }

  test('a user’s key in rotation, and their token, stop within a minute; an answer under way goes on', async () => {
    const { id } = await made('/users', { name: 'Ada' })
    const first = await made('/keys', { name: 'k', user_id: id })
    const second = (await (await here.admin('POST', `/keys/${first.id}/rotate`, {})).json()) as typeof first
    const { token } = await made('/tokens', { name: 't', user_id: id })
    const use = (gateway: Gateway, key: string) => ask(gateway, hello(), { 'x-api-key': key })
    const look = async (gateway: Gateway) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${gateway.url}/admin/me`, { headers })).status
    }
    for (const { key } of [first, second])
      for (const gateway of [here, elsewhere]) expect((await use(gateway, key)).status).toBe(200)
    expect(await look(elsewhere)).toBe(200)
    stage.fake.script({ kind: 'stall', at: 3, ms: 3_000 })
    const underWay = await ask(elsewhere, said('!say hello', { stream: true }), { 'x-api-key': first.key })

    expect((await here.admin('PATCH', `/users/${id}`, { active: false })).status).toBe(200)
    const since = performance.now()
    expect(await look(elsewhere)).toBe(401)
    for (const { key } of [first, second])
      await expectRefusal(await use(here, key), 403, 'permission_error', /deactivated/)
    expect(await underWay.text()).toContain('message_stop')
    for (const { key } of [first, second]) {
      const refused = await eventually(
        async () => {
          const response = await use(elsewhere, key)
          return response.status === 200 ? undefined : response
        },
        { within: PROMISED + BESIDE, every: 500 },
      )
      await expectRefusal(refused, 403, 'permission_error', /deactivated/)
    }
    console.log(`refused on the other replica after ${Math.round((performance.now() - since) / 1_000)} s`)

    await here.admin('PATCH', `/users/${id}`, { active: true })
    for (const gateway of [here, elsewhere])
      await eventually(async () => ((await use(gateway, second.key)).status === 200 ? true : undefined), {
        within: 10_000,
      })
  })
})
