/** Replicas of the gateway on one real Postgres. */
import { afterEach, expect, test } from 'vitest'
import { ask, expectRefusal, hello } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, startGateway } from './gateway.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'
import { wordsOf } from './welcome.ts'

describeOnPostgres('on Postgres', () => {
  const stage = postgresStage()

  const open: Gateway[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.clear()))
  })

  async function replica(DATABASE_URL: string, env: Record<string, string> = {}): Promise<Gateway> {
    const gateway = await startGateway({ bedrock: stage.fake, env: { DATABASE_URL, SECRET_KEY, ...env } })
    open.push(gateway)
    return gateway
  }

  async function twoReplicas(DATABASE_URL: string): Promise<[Gateway, Gateway]> {
    return Promise.all([replica(DATABASE_URL), replica(DATABASE_URL)])
  }

  const withKey = (key: string) => ({ 'x-api-key': key })

  test('the first start prints the words of welcome, which work; later ones do not', async () => {
    const url = await stage.postgres.url('first')
    const first = await replica(url, { ADMIN_TOKEN: '' })
    const words = await wordsOf(first)
    expect(words).toMatchObject({ tokens: 1, keys: 1, urls: [first.url] })
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    const second = await replica(url, { ADMIN_TOKEN: '' })
    expect(await wordsOf(second)).toMatchObject({ tokens: 0, keys: 0 })
    const headers = { authorization: `Bearer ${words.token}` }
    expect((await fetch(`${second.url}/admin/keys`, { headers })).status).toBe(200)
    expect((await ask(second, hello(), withKey(words.key))).status).toBe(200)
  })

  test('two that start together on an empty database both come up; one prints the welcome', async () => {
    const both = await twoReplicas(await stage.postgres.url('together'))
    const words = await Promise.all(both.map(wordsOf))
    expect(words.map(({ tokens, keys }) => [tokens, keys]).toSorted()).toEqual([
      [0, 0],
      [0, 1], // the admin token was set, so none is made
    ])
    const { key } = words.find(({ keys }) => keys === 1) ?? { key: '' }
    for (const each of both) expect((await ask(each, hello(), withKey(key))).status).toBe(200)
  })

  test('a key made on one works on the other; deleted there, it is refused where it was not yet used', async () => {
    const url = await stage.postgres.url('keys')
    const [one, other] = await twoReplicas(url)
    const { id, key } = await one.makeKey()
    expect((await ask(other, hello(), withKey(key))).status).toBe(200)
    expect((await other.admin('DELETE', `/keys/${id}`)).status).toBe(204)
    await expectRefusal(
      await ask(other, hello(), withKey(key)),
      401,
      'authentication_error',
      /not known here/,
    )
    await expectRefusal(await ask(one, hello(), withKey(key)), 401, 'authentication_error', /not known here/)
  })

  test('a key disabled on one is refused by the other, which had not yet used it; enabled, it works', async () => {
    const [one, other] = await twoReplicas(await stage.postgres.url('disabled'))
    const { id, key } = await one.makeKey()
    expect((await one.admin('PATCH', `/keys/${id}`, { disabled: true })).status).toBe(200)
    await expectRefusal(await ask(other, hello(), withKey(key)), 403, 'permission_error', /disabled/)
    expect((await other.admin('PATCH', `/keys/${id}`, { disabled: false })).status).toBe(200)
    expect((await ask(other, hello(), withKey(key))).status).toBe(200)
  })

  test('the ledger shows the requests of both, each row once, in pages too', async () => {
    const [one, other] = await twoReplicas(await stage.postgres.url('ledger'))
    const { id, key } = await one.makeKey()
    for (let turn = 0; turn < 5; turn++) {
      const answers = await Promise.all([one, other].map((each) => ask(each, hello(), withKey(key))))
      for (const answer of answers) await answer.text()
    }
    const rows = await other.settled(10, { key: id })
    expect(new Set(rows.map((row) => row.id)).size).toBe(10)
    expect(rows.every((row) => row.status === 'succeeded' && row.usage.output > 0)).toBe(true)
    expect(await one.spend({ key: id, limit: '3' })).toEqual(rows)
  })

  test('one replica stops or is killed: the other goes on, and its rows stay as they are', async () => {
    const url = await stage.postgres.url('survivor')
    const [one, other] = await twoReplicas(url)
    const { key } = await one.makeKey()
    stage.fake.script({ kind: 'stall', at: 2 })
    const underWay = await ask(one, hello({ stream: true }), withKey(key))
    const [pending] = await oneRow(other)
    expect(pending).toMatchObject({ status: 'pending' })
    await replica(url)
    expect(await oneRow(other)).toMatchObject([{ id: pending?.id, status: 'pending' }])
    await other.kill()
    await underWay.body?.cancel()
    expect(await one.settled(1)).toMatchObject([{ id: pending?.id, status: 'cancelled' }])
  })
})

/** The ledger as soon as it has a row, settled or not. */
function oneRow(gateway: Gateway) {
  return eventually(async () => {
    const rows = await gateway.spend()
    return rows.length === 1 ? rows : undefined
  })
}
