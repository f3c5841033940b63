/** What one replica is told holds on every other within sixty seconds: two of them over one database, by their clocks. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { inMemory } from '../data/databases.ts'
import { ALL, rowAt } from '../data/rows.ts'
import type { TestRuntime } from '../runtime.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

let database: OpenDatabase
let here: Stage
let elsewhere: TestRuntime
beforeAll(async () => {
  database = await inMemory()
  here = await peopleOn(replicaOn(database))
  elsewhere = replicaOn(database)
})
afterAll(() => database.close())

const use = async (runtime: TestRuntime, secret: string | undefined) => {
  runtime.clock.now = Math.max(runtime.clock.now, here.runtime.clock.now)
  return (await app.request('/v1/models', { headers: { authorization: `Bearer ${secret}` } }, runtime)).status
}
/** On both, as it is cached there. */
const both = async (secret: string | undefined) => [
  await use(here.runtime, secret),
  await use(elsewhere, secret),
]
const later = (seconds: number) => {
  here.runtime.clock.now += seconds * 1_000
}

describe('who is deactivated on one replica', () => {
  test('is refused there at once, elsewhere within sixty seconds: keys, also in rotation, and tokens', async () => {
    const { ask, users, makeKey } = here
    const { id, key } = await makeKey('member')
    const rotated = await ask('member', 'POST', `/admin/keys/${id}/rotate`, { grace_seconds: 3_600 })
    const next = String(rotated.body['key'])
    for (const secret of [key, next]) expect(await both(secret)).toEqual([200, 200])
    expect((await ask('admin', 'PATCH', `/admin/users/${users.member}`, { active: false })).status).toBe(200)
    expect((await ask('member', 'GET', '/admin/me')).status).toBe(401)
    for (const secret of [key, next]) expect(await both(secret)).toEqual([403, 200])
    later(60)
    for (const secret of [key, next]) expect(await both(secret)).toEqual([403, 403])
  })

  test('comes back to what they had, and to nothing that was stopped for itself', async () => {
    const { ask, users, makeKey } = here
    const kept = await makeKey('otherMember')
    const [disabled, expired, deleted] = [
      await makeKey('otherMember'),
      await makeKey('otherMember', { expires_at: new Date(here.runtime.clock.now + 1_000).toISOString() }),
      await makeKey('otherMember'),
    ]
    await ask('root', 'PATCH', `/admin/keys/${disabled.id}`, { disabled: true })
    await ask('root', 'PATCH', `/admin/users/${users.otherMember}`, { active: false })
    // Stopped meanwhile, for itself.
    await ask('root', 'DELETE', `/admin/keys/${deleted.id}`)
    later(61)
    for (const { key } of [kept, disabled, expired]) expect(await both(key)).toEqual([403, 403])
    await ask('root', 'PATCH', `/admin/users/${users.otherMember}`, { active: true })
    later(6)
    expect(await both(kept.key)).toEqual([200, 200])
    expect(await both(disabled.key)).toEqual([403, 403])
    expect(await both(expired.key)).toEqual([401, 401])
    expect(await both(deleted.key)).toEqual([401, 401])
  })
})

describe('within sixty seconds, elsewhere', () => {
  test('a secret that was replaced at once stops', async () => {
    const { id, key } = await here.makeKey('lead')
    expect(await both(key)).toEqual([200, 200])
    await here.ask('lead', 'POST', `/admin/keys/${id}/rotate`, { grace_seconds: 0 })
    expect(await use(here.runtime, key)).toBe(401)
    later(60)
    expect(await both(key)).toEqual([401, 401])
  })

  test('a key stops that was deleted, whose team was archived, or whose user left it', async () => {
    const { ask, make, makeKey, users } = here
    const { id: team } = await make('/admin/teams', { name: 'short-lived' })
    const ofTeam = String((await make('/admin/keys', { name: 'k', team_id: team }))['key'])
    await ask('root', 'PUT', `/admin/teams/${team}/members/${users.lead}`, {})
    const wish = { name: 'k', team_id: team, user_id: users.lead }
    const ofLeaver = String((await make('/admin/keys', wish))['key'])
    const deleted = await makeKey('lead')
    for (const secret of [ofTeam, ofLeaver, deleted.key]) expect(await both(secret)).toEqual([200, 200])
    await ask('root', 'DELETE', `/admin/teams/${team}/members/${users.lead}`)
    expect(await use(here.runtime, ofLeaver)).toBe(403)
    await ask('root', 'DELETE', `/admin/teams/${team}`)
    await ask('root', 'DELETE', `/admin/keys/${deleted.id}`)
    later(60)
    expect(await both(ofTeam)).toEqual([403, 403])
    expect(await both(ofLeaver)).toEqual([403, 403])
    expect(await both(deleted.key)).toEqual([401, 401])
  })
})

describe('of what is archived', () => {
  test('rows of the ledger stay, and say whose they were', async () => {
    const { ask, make, runtime } = here
    const { id } = await make('/admin/users', { name: 'leaver' })
    const { id: keyId } = await make('/admin/keys', { name: 'k', user_id: id })
    await runtime.data.ledger.write(rowAt(runtime.clock.now, { id: 'req_leaver', keyId, userId: id }))
    expect((await ask('root', 'DELETE', `/admin/keys/${keyId}`)).status).toBe(204)
    expect((await ask('root', 'DELETE', `/admin/users/${id}`)).status).toBe(204)
    const rows = await runtime.data.ledger.find({ key: keyId, owners: ALL, limit: 10 })
    expect(rows).toMatchObject([{ id: 'req_leaver', keyId, userId: id }])
  })
})
