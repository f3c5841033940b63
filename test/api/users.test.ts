/** Users, teams and their members, over a database of their own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

describe('users', () => {
  test('are made, looked at, changed, found and archived', async () => {
    const { ask } = stage
    const made = await ask('admin', 'POST', '/admin/users', {
      name: 'Zoë',
      email: ' Zoe@Example.COM ',
      limits: { concurrent: 4 },
    })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      id: expect.stringMatching(/^user_/),
      email: 'zoe@example.com',
      role: 'member',
      active: true,
      limits: { requests_per_minute: null, concurrent: 4 },
      teams: [],
    })
    const path = `/admin/users/${made.body['id']}`
    const changed = await ask('admin', 'PATCH', path, { role: 'auditor', active: false })
    expect(changed.body).toMatchObject({ name: 'Zoë', role: 'auditor', active: false })
    expect((await ask('admin', 'GET', path)).body).toEqual(changed.body)
    const found = await ask('auditor', 'GET', '/admin/users?search=ZOE%40')
    expect(found.body.data).toEqual([changed.body])
    expect((await ask('admin', 'DELETE', path)).status).toBe(204)
    expect((await ask('admin', 'GET', path)).status).toBe(404)
    expect((await ask('admin', 'PATCH', path, { name: 'x' })).status).toBe(404)
    expect((await ask('admin', 'DELETE', path)).status).toBe(404)
  })

  test('are listed a page at a time, with the teams they are in', async () => {
    const first = await stage.ask('root', 'GET', '/admin/users?limit=4')
    expect(first.body.data).toHaveLength(4)
    expect(first.body.data[3]).toMatchObject({
      name: 'member',
      teams: [{ team_id: stage.teams.theirs, role: 'member' }],
    })
    const second = await stage.ask('root', 'GET', `/admin/users?limit=4&cursor=${first.body['next']}`)
    expect(second.body.data.map(({ name }) => name)).toContain('otherLead')
  })

  test('have e-mail addresses and subjects of their own: a second one is a conflict, never a failure', async () => {
    const { ask, make } = stage
    await make('/admin/users', { name: 'one', email: 'taken@example.com', subject: 'idp|1' })
    for (const body of [{ email: 'TAKEN@example.com' }, { subject: 'idp|1' }]) {
      const twice = await ask('root', 'POST', '/admin/users', { name: 'two', ...body })
      expect(twice.status).toBe(409)
      expect(twice.body.error).toMatchObject({ type: 'invalid_request_error' })
      const changed = await ask('root', 'PATCH', `/admin/users/${stage.users.member}`, body)
      expect(changed.status).toBe(409)
    }
  })

  test('who are archived leave their e-mail address and their subject to whoever comes after', async () => {
    const wish = { name: 'gone', email: 'again@example.com', subject: 'idp|again' }
    const { id } = await stage.make('/admin/users', wish)
    await stage.ask('root', 'DELETE', `/admin/users/${id}`)
    expect((await stage.make('/admin/users', wish)).id).not.toBe(id)
  })

  test.each([
    [{ name: '' }, 'name'],
    [{ name: 'x', email: 'nobody' }, 'email'],
    [{ name: 'x', role: 'root' }, 'role'],
    [{ name: 'x', id: 'user_1' }, 'id'],
    [{ name: 'nul \0' }, 'name'],
    [{ name: 'x', limits: { concurrent: 0 } }, 'limits.concurrent'],
  ])('%j is refused by naming what is wrong', async (body, named) => {
    const answer = await stage.ask('root', 'POST', '/admin/users', body)
    expect(answer.status).toBe(400)
    expect(answer.body.error.message).toContain(named)
  })

  test('raise no role of their own, nor anybody else’s', async () => {
    const { ask, users } = stage
    for (const who of ['member', 'lead', 'auditor', 'readOnlyAdmin'] as const) {
      const own = who === 'readOnlyAdmin' ? users.admin : users[who]
      const answer = await ask(who, 'PATCH', `/admin/users/${own}`, { role: 'admin' })
      expect(answer.status).toBe(403)
      expect(answer.body.error).toMatchObject({ type: 'permission_error' })
    }
    expect((await ask('root', 'GET', `/admin/users/${users.member}`)).body).toMatchObject({ role: 'member' })
  })
})

describe('the last admin', () => {
  test('cannot be demoted, deactivated or archived, but by root', async () => {
    const own = await inMemory()
    const { ask, users } = await peopleOn(replicaOn(own))
    const path = `/admin/users/${users.admin}`
    for (const [method, body] of [
      ['PATCH', { role: 'member' }],
      ['PATCH', { active: false }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await ask('admin', method, path, body)
      expect(answer.status).toBe(409)
      expect(answer.body.error.message).toContain('last admin')
    }
    expect((await ask('admin', 'PATCH', path, { role: 'admin', name: 'chief' })).status).toBe(200)
    // With another one it may be done; who is deactivated is not another one.
    await ask('root', 'PATCH', `/admin/users/${users.member}`, { role: 'admin', active: false })
    expect((await ask('admin', 'PATCH', path, { role: 'member' })).status).toBe(409)
    await ask('root', 'PATCH', `/admin/users/${users.member}`, { active: true })
    expect((await ask('admin', 'PATCH', path, { role: 'member' })).status).toBe(200)
    expect((await ask('admin', 'PATCH', path, { role: 'admin' })).status).toBe(403)
    expect((await ask('root', 'PATCH', `/admin/users/${users.member}`, { role: 'member' })).status).toBe(200)
    await own.close()
  })

  test('is one of two who demote each other at once', async () => {
    const own = await inMemory()
    const { ask, users } = await peopleOn(replicaOn(own))
    await ask('root', 'PATCH', `/admin/users/${users.member}`, { role: 'admin' })
    const answers = await Promise.all([
      ask('admin', 'PATCH', `/admin/users/${users.member}`, { role: 'member' }),
      ask('member', 'PATCH', `/admin/users/${users.admin}`, { role: 'member' }),
    ])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const { body } = await ask('root', 'GET', '/admin/users')
    expect(body.data.filter(({ role }) => role === 'admin')).toHaveLength(1)
    await own.close()
  })
})

describe('teams', () => {
  test('are made, changed, found and archived, and have a name of their own', async () => {
    const { ask } = stage
    const made = await ask('admin', 'POST', '/admin/teams', {
      name: 'Platform',
      models: ['claude-*'],
      denied_models: ['*opus*'],
      limits: { tokens_per_minute: 1_000_000 },
    })
    expect(made.body).toMatchObject({ name: 'Platform', models: ['claude-*'], denied_models: ['*opus*'] })
    const path = `/admin/teams/${made.body['id']}`
    const twice = await ask('admin', 'POST', '/admin/teams', { name: 'PLATFORM' })
    expect(twice.status).toBe(409)
    const changed = await ask('admin', 'PATCH', path, { models: null, limits: { concurrent: 5 } })
    expect(changed.body).toMatchObject({
      models: null,
      denied_models: ['*opus*'],
      limits: { tokens_per_minute: 1_000_000, concurrent: 5 },
    })
    expect((await ask('root', 'GET', '/admin/teams?search=plat')).body.data).toEqual([changed.body])
    expect((await ask('admin', 'DELETE', path)).status).toBe(204)
    expect((await ask('admin', 'GET', path)).status).toBe(404)
    expect((await ask('admin', 'POST', '/admin/teams', { name: 'platform' })).status).toBe(201)
  })

  test('are shown to who is in them', async () => {
    const { ask, teams } = stage
    const seen = async (who: 'lead' | 'member' | 'otherMember') =>
      (await ask(who, 'GET', '/admin/teams')).body.data.map(({ id }) => id)
    expect(await seen('lead')).toEqual([teams.theirs])
    expect(await seen('member')).toEqual([teams.theirs])
    expect(await seen('otherMember')).toEqual([teams.other])
    expect((await ask('otherMember', 'GET', `/admin/teams/${teams.theirs}`)).status).toBe(404)
  })
})

describe('members', () => {
  test('are put in and taken out by the lead of that team, and of no other', async () => {
    const { ask, teams, make } = stage
    const { id } = await make('/admin/users', { name: 'newcomer' })
    const path = `/admin/teams/${teams.theirs}/members/${id}`
    expect((await ask('otherLead', 'PUT', path, {})).status).toBe(404)
    expect((await ask('member', 'PUT', path, {})).status).toBe(403)
    const put = await ask('lead', 'PUT', path, {})
    expect(put.body).toEqual({ id, name: 'newcomer', email: null, role: 'member' })
    const listed = await ask('lead', 'GET', `/admin/teams/${teams.theirs}/members`)
    expect(listed.body.data.map(({ name }) => name)).toEqual(['lead', 'member', 'newcomer'])
    expect((await ask('otherLead', 'DELETE', path)).status).toBe(404)
    expect((await ask('lead', 'DELETE', path)).status).toBe(204)
    expect((await ask('lead', 'DELETE', path)).status).toBe(404)
  })

  test('are made leads, and leads members, by admins alone', async () => {
    const { ask, teams, users } = stage
    const of = (person: 'lead' | 'member') => `/admin/teams/${teams.theirs}/members/${users[person]}`
    expect((await ask('lead', 'PUT', of('member'), { role: 'lead' })).status).toBe(403)
    expect((await ask('lead', 'PUT', of('lead'), { role: 'member' })).status).toBe(403)
    expect((await ask('lead', 'DELETE', of('lead'))).status).toBe(403)
    expect((await ask('lead', 'GET', `/admin/teams/${teams.theirs}/members`)).body.data[0]).toMatchObject({
      role: 'lead',
    })
    expect((await ask('admin', 'PUT', of('member'), { role: 'lead' })).status).toBe(200)
    expect((await ask('admin', 'PUT', of('member'), { role: 'member' })).status).toBe(200)
  })

  test('are users and teams that there are', async () => {
    const { ask, teams, users } = stage
    expect((await ask('root', 'PUT', `/admin/teams/${teams.theirs}/members/user_none`, {})).status).toBe(404)
    expect((await ask('root', 'PUT', `/admin/teams/team_none/members/${users.lead}`, {})).status).toBe(404)
    expect((await ask('root', 'GET', '/admin/teams/team_none/members')).status).toBe(404)
  })

  test('of one team say nothing of what else somebody is in to its lead', async () => {
    const { ask, teams, users } = stage
    await ask('root', 'PUT', `/admin/teams/${teams.other}/members/${users.member}`, {})
    const shown = await ask('lead', 'GET', `/admin/users/${users.member}`)
    expect(shown.body['teams']).toEqual([{ team_id: teams.theirs, role: 'member' }])
    expect((await ask('member', 'GET', `/admin/users/${users.member}`)).body['teams']).toHaveLength(2)
    await ask('root', 'DELETE', `/admin/teams/${teams.other}/members/${users.member}`)
    expect((await ask('otherLead', 'GET', `/admin/users/${users.member}`)).status).toBe(404)
  })
})
