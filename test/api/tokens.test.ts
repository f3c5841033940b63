/** Tokens for the admin API: whom they speak for, for how long, and what they are not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { inMemory } from '../data/databases.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

let database: OpenDatabase
let stage: Stage
beforeAll(async () => {
  database = await inMemory()
  stage = await peopleOn(replicaOn(database))
})
afterAll(() => database.close())

const HOUR = 3_600_000
const later = (milliseconds: number) => new Date(stage.runtime.clock.now + milliseconds).toISOString()

describe('a token', () => {
  test('is shown whole once, speaks for its user, and says who it is', async () => {
    const { ask, askWith, users } = stage
    const made = await ask('member', 'POST', '/admin/tokens', { name: 'laptop' })
    expect(made.status).toBe(201)
    const { token, hint } = made.body
    expect(token).toMatch(/^oct_[0-9A-Za-z]{38}$/)
    expect(hint).toBe(String(token).slice(0, 10))
    const listed = await ask('member', 'GET', '/admin/tokens')
    expect(listed.text).toContain(String(made.body['id']))
    expect(listed.text).not.toContain(String(token))
    expect((await askWith(String(token), 'GET', '/admin/me')).body).toEqual({
      actor: `token:${made.body['id']}`,
      name: 'member (laptop)',
      role: 'member',
      user_id: users.member,
      leads: [],
      teams: [stage.teams.theirs],
      read_only: false,
      expires_at: null,
    })
    expect((await ask('lead', 'GET', '/admin/me')).body).toMatchObject({ leads: [stage.teams.theirs] })
    expect((await ask('root', 'GET', '/admin/me')).body).toMatchObject({ actor: 'root', user_id: null })
  })

  test('is one’s own business, and an admin’s', async () => {
    const { ask, users, make } = stage
    const { id } = await make('/admin/tokens', { name: 'x', user_id: users.member })
    for (const who of ['lead', 'otherMember'] as const) {
      expect((await ask(who, 'POST', '/admin/tokens', { name: 'x', user_id: users.member })).status).toBe(403)
      expect((await ask(who, 'DELETE', `/admin/tokens/${id}`)).status).toBe(404)
      const seen = (await ask(who, 'GET', `/admin/tokens?user=${users.member}`)).body.data
      expect(seen).toEqual([])
    }
    expect((await ask('auditor', 'GET', `/admin/tokens?user=${users.member}`)).text).toContain(id)
    expect((await ask('admin', 'DELETE', `/admin/tokens/${id}`)).status).toBe(204)
    expect((await ask('admin', 'DELETE', `/admin/tokens/${id}`)).status).toBe(404)
  })

  test('works until it is revoked, at once', async () => {
    const { ask, askWith } = stage
    const { body } = await ask('member', 'POST', '/admin/tokens', { name: 'x' })
    const use = () => askWith(String(body['token']), 'GET', '/admin/keys')
    expect((await use()).status).toBe(200)
    // Also by itself.
    expect((await askWith(String(body['token']), 'DELETE', `/admin/tokens/${body['id']}`)).status).toBe(204)
    expect((await use()).status).toBe(401)
  })

  test('works until it expires, and makes none that lasts longer', async () => {
    const { ask, askWith, runtime } = stage
    const until = later(HOUR)
    const { body } = await ask('member', 'POST', '/admin/tokens', { name: 'short', expires_at: until })
    const again = (wish: object) =>
      askWith(String(body['token']), 'POST', '/admin/tokens', { name: 'x', ...wish })
    expect((await again({})).body).toMatchObject({ expires_at: until })
    expect((await again({ expires_at: null })).status).toBe(403)
    expect((await again({ expires_at: later(2 * HOUR) })).status).toBe(403)
    expect((await again({ expires_at: later(HOUR / 2) })).status).toBe(201)
    expect((await again({ expires_at: later(-HOUR) })).status).toBe(400)
    runtime.clock.now += HOUR
    const late = await askWith(String(body['token']), 'GET', '/admin/me')
    expect(late.status).toBe(401)
    expect(late.body.error.message).toContain('expired')
  })

  test('that is read-only reads what its user may, and changes nothing', async () => {
    const { ask } = stage
    expect((await ask('readOnlyAdmin', 'GET', '/admin/audit')).status).toBe(200)
    const answer = await ask('readOnlyAdmin', 'POST', '/admin/tokens', { name: 'x' })
    expect(answer.status).toBe(403)
    expect(answer.body.error.message).toContain('reads only')
  })

  test('says nobody’s name for root, or for who is not there', async () => {
    const { ask } = stage
    expect((await ask('root', 'POST', '/admin/tokens', { name: 'x' })).body.error.message).toContain(
      'user_id',
    )
    expect((await ask('root', 'POST', '/admin/tokens', { name: 'x', user_id: 'user_none' })).status).toBe(404)
  })

  test('loses with the next request what its user has lost', async () => {
    const { ask, askWith, make } = stage
    const { id } = await make('/admin/users', { name: 'chief', role: 'admin' })
    const token = String((await make('/admin/tokens', { name: 'x', user_id: id }))['token'])
    const use = async () => (await askWith(token, 'GET', '/admin/audit')).status
    expect(await use()).toBe(200)
    await ask('root', 'PATCH', `/admin/users/${id}`, { role: 'member' })
    expect(await use()).toBe(403)
    await ask('root', 'PATCH', `/admin/users/${id}`, { role: 'admin', active: false })
    expect(await use()).toBe(401)
    await ask('root', 'PATCH', `/admin/users/${id}`, { active: true })
    expect(await use()).toBe(200)
    await ask('root', 'DELETE', `/admin/users/${id}`)
    expect(await use()).toBe(401)
  })

  test('is no key, and a key is no token', async () => {
    const { secrets, runtime, ask } = stage
    const headers = { authorization: `Bearer ${secrets.admin}` }
    for (const path of ['/v1/models', '/v1/messages', '/v1/messages/count_tokens']) {
      const method = path === '/v1/models' ? 'GET' : 'POST'
      expect((await app.request(path, { method, headers }, runtime)).status).toBe(401)
    }
    const refused = await ask('llmKey', 'GET', '/admin/keys')
    expect(refused.status).toBe(401)
    expect(refused.body.error.message).toContain('key for calls')
    expect((await ask('auditor', 'GET', '/metrics')).status).toBe(200)
    expect((await ask('member', 'GET', '/metrics')).status).toBe(403)
  })
})
