/** A key never exceeds who makes it, and nobody widens what was given to them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { inMemory } from '../data/databases.ts'
import { peopleOn, replicaOn, type Stage, type Who } from './people.ts'

let database: OpenDatabase
let stage: Stage
beforeAll(async () => {
  database = await inMemory()
  stage = await peopleOn(replicaOn(database))
  const limits = { requests_per_minute: 60, tokens_per_minute: 100_000, concurrent: 5 }
  await stage.ask('root', 'PATCH', `/admin/teams/${stage.teams.theirs}`, {
    models: ['claude-haiku-*'],
    limits,
  })
})
afterAll(() => database.close())

const make = (who: Who, wish: object = {}) => stage.ask(who, 'POST', '/admin/keys', { name: 'k', ...wish })
const change = (who: Who, id: unknown, wish: object) => stage.ask(who, 'PATCH', `/admin/keys/${id}`, wish)

describe('a key that is made', () => {
  test('by a member is theirs, and of their team, where nothing is said', async () => {
    const { body } = await make('member')
    expect(body).toMatchObject({
      user_id: stage.users.member,
      team_id: stage.teams.theirs,
      created_by: expect.stringMatching(/^token:token_/),
    })
  })

  test.each([
    ['a member', 'member', () => ({ user_id: stage.users.lead })],
    ['a member', 'member', () => ({ user_id: null })],
    ['a member', 'member', () => ({ team_id: stage.teams.other })],
    ['a lead', 'lead', () => ({ team_id: stage.teams.other })],
    ['a lead', 'lead', () => ({ team_id: stage.teams.other, user_id: stage.users.otherMember })],
    ['an auditor', 'auditor', () => ({})],
    ['a read-only token', 'readOnlyAdmin', () => ({})],
  ] as const)('by %s is not somebody else’s (%#)', async (_, who, wish) => {
    const answer = await make(who, wish())
    expect(answer.status).toBe(403)
    expect(answer.body.error.type).toBe('permission_error')
  })

  test('by a lead may be a member’s, or the team’s own; not that of somebody who is not in it', async () => {
    const { teams, users } = stage
    const theirs = { team_id: teams.theirs }
    expect((await make('lead', { ...theirs, user_id: users.member })).status).toBe(201)
    expect((await make('lead', { ...theirs, user_id: null })).body).toMatchObject({ user_id: null })
    expect((await make('lead', { ...theirs, user_id: users.otherMember })).status).toBe(400)
  })

  test.each([
    [{ models: ['claude-haiku-4-5'] }, 201],
    [{ models: ['claude-opus-5'] }, 403],
    [{ models: ['claude-haiku-4-5', 'claude-*'] }, 403],
    [{ models: ['*'] }, 403],
    [{ models: null }, 201],
    [{ limits: { requests_per_minute: 60, tokens_per_minute: 1, concurrent: 5 } }, 201],
    [{ limits: { requests_per_minute: 61 } }, 403],
    [{ limits: { tokens_per_minute: 100_001 } }, 403],
    [{ limits: { concurrent: 6 } }, 403],
  ])('with %j in a team of less is answered %i, whoever asks', async (wish, status) => {
    expect((await make('member', wish)).status).toBe(status)
    expect((await make('lead', wish)).status).toBe(status)
    const { member } = stage.users
    expect((await make('admin', { ...wish, team_id: stage.teams.theirs, user_id: member })).status).toBe(
      status,
    )
  })

  test('by who is in no team is refused; who is in several says which', async () => {
    const { make: added, askWith, ask, teams } = stage
    const { id } = await added('/admin/users', { name: 'free' })
    const token = String((await added('/admin/tokens', { name: 't', user_id: id }))['token'])
    const mine = (wish: object = {}) => askWith(token, 'POST', '/admin/keys', { name: 'k', ...wish })
    expect((await mine()).body.error.message).toContain('You are in no team')
    for (const team of [teams.theirs, teams.other])
      await ask('root', 'PUT', `/admin/teams/${team}/members/${id}`, {})
    expect((await mine()).body.error.message).toContain('team_id')
    expect((await mine({ team_id: teams.other })).status).toBe(201)
  })

  test('for nobody that there is, is refused', async () => {
    expect((await make('root', { user_id: 'user_none' })).status).toBe(404)
    expect((await make('root', { team_id: 'team_none' })).status).toBe(404)
    expect((await make('root', { addresses: ['10.0.0.1/8'] })).body.error.message).toContain('addresses.0')
    expect((await make('root', { expires_at: '2020-01-01T00:00:00Z' })).body.error.message).toContain(
      'future',
    )
  })
})

describe('a key that somebody was given', () => {
  const given = {
    models: ['claude-haiku-5-*'],
    denied_models: ['claude-haiku-4-*'],
    limits: { requests_per_minute: 10, tokens_per_minute: 1_000, concurrent: 2 },
    addresses: ['10.0.0.0/8', '2001:db8::/32'],
    expires_at: '2027-01-01T00:00:00Z',
  }

  test.each([
    { models: null },
    { models: ['claude-haiku-5-*', 'claude-haiku-4-5'] },
    { denied_models: null },
    { denied_models: ['claude-haiku-4-5'] },
    { limits: { requests_per_minute: 11 } },
    { limits: { requests_per_minute: null } },
    { limits: { tokens_per_minute: 1_001 } },
    { limits: { concurrent: 3 } },
    { addresses: null },
    { addresses: ['10.0.0.0/8', '192.0.2.0/24'] },
    { addresses: ['0.0.0.0/0'] },
    { expires_at: null },
    { expires_at: '2027-01-02T00:00:00Z' },
    { disabled: false },
  ])('is not widened by them: %j', async (wish) => {
    const { id } = await stage.makeKey('member', given)
    if ('disabled' in wish) await change('admin', id, { disabled: true })
    const before = (await stage.ask('member', 'GET', `/admin/keys/${id}`)).body
    const answer = await change('member', id, wish)
    expect(answer.status).toBe(403)
    expect(answer.body.error.message).toContain('narrow')
    expect((await stage.ask('member', 'GET', `/admin/keys/${id}`)).body).toEqual(before)
    expect((await change('lead', id, wish)).status).toBe(200)
  })

  test.each([
    { name: 'mine' },
    { models: ['claude-haiku-5-5'] },
    { models: [] },
    { denied_models: ['claude-haiku-*'] },
    { limits: { requests_per_minute: 10, tokens_per_minute: 5, concurrent: 1 } },
    { addresses: ['10.1.0.0/16', '2001:db8::7'] },
    { expires_at: '2026-12-01T00:00:00Z' },
    { disabled: true },
  ])('is narrowed by them: %j', async (wish) => {
    const { id } = await stage.makeKey('member', given)
    expect((await change('member', id, wish)).status).toBe(200)
  })

  test('is not there for anybody else, neither to look at nor to change, rotate or delete', async () => {
    const { id } = await stage.makeKey('member')
    for (const who of ['otherMember', 'otherLead'] as const) {
      expect((await stage.ask(who, 'GET', `/admin/keys/${id}`)).status).toBe(404)
      expect((await change(who, id, { disabled: true })).status).toBe(404)
      expect((await stage.ask(who, 'POST', `/admin/keys/${id}/rotate`, {})).status).toBe(404)
      expect((await stage.ask(who, 'DELETE', `/admin/keys/${id}`)).status).toBe(404)
      const listed = (await stage.ask(who, 'GET', `/admin/keys?team=${stage.teams.theirs}`)).body.data
      expect(listed).toEqual([])
    }
    const mine = (await stage.ask('member', 'GET', '/admin/keys')).body.data
    expect(new Set(mine.map((key) => key['user_id']))).toEqual(new Set([stage.users.member]))
    const led = (await stage.ask('lead', 'GET', '/admin/keys')).body.data
    expect(new Set(led.map((key) => key['team_id']))).toEqual(new Set([stage.teams.theirs]))
  })
})

describe('a key', () => {
  const models = async (secret: string) => {
    const headers = { authorization: `Bearer ${secret}` }
    const response = await app.request('/v1/models', { headers }, stage.runtime)
    const { data = [] } = (await response.json()) as { data?: { id: string }[] }
    return response.status === 200 ? data.map(({ id }) => id) : response.status
  }

  test('of a team uses what both of them allow and neither denies, and less as soon as the team may less', async () => {
    const { id } = await stage.make('/admin/teams', {
      name: 'narrow',
      models: ['claude-*'],
      denied_models: ['*fable*'],
    })
    const wish = { name: 'k', team_id: id, models: ['claude-haiku-*', 'claude-fable-*'] }
    const key = String((await stage.make('/admin/keys', wish))['key'])
    expect(await models(key)).toEqual(['claude-haiku-5-5', 'claude-haiku-4-5-20251001'])
    await stage.ask('root', 'PATCH', `/admin/teams/${id}`, { denied_models: ['*haiku-4*'] })
    expect(await models(key)).toContain('claude-fable-5-2')
    expect(await models(key)).not.toContain('claude-haiku-4-5-20251001')
    await stage.ask('root', 'DELETE', `/admin/teams/${id}`)
    expect(await models(key)).toBe(403)
  })

  test('works for who is in its team, and again when they are back', async () => {
    const { users, teams, makeKey, ask } = stage
    const { key } = await makeKey('member')
    const place = `/admin/teams/${teams.theirs}/members/${users.member}`
    expect(await models(key)).not.toBe(403)
    await ask('root', 'DELETE', place)
    expect(await models(key)).toBe(403)
    await ask('root', 'PUT', place, {})
    expect(await models(key)).not.toBe(403)
  })
})
