/** Budgets, limits and the organisation in the admin API, over a database: made, seen, changed, and by whom. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDatabase } from '../../src/data/database.ts'
import { inMemory } from '../data/databases.ts'
import { spentAt } from '../data/rows.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

let database: OpenDatabase
beforeAll(async () => {
  database = await inMemory()
})
afterAll(() => database.close())

const stageOn = (): Promise<Stage> => peopleOn(replicaOn(database))
const DOLLAR = 1_000_000_000

describe('a budget', () => {
  test('has the standard rules unless it says others, and is seen by whom it concerns', async () => {
    const { ask, make, users, teams, makeKey } = await stageOn()
    const ofTeam = await make('/admin/budgets', {
      scope: 'team',
      subject: teams.theirs,
      window: 'month',
      cap_nano: 50 * DOLLAR,
    })
    expect(ofTeam).toMatchObject({
      id: expect.stringMatching(/^budget_/),
      cap_nano: 50 * DOLLAR,
      preset: 'standard',
      rules: [
        { at: 80, action: 'notify' },
        { at: 100, action: 'block' },
      ],
      hours: null,
      raise: null,
    })
    const ofUser = await make('/admin/budgets', {
      scope: 'user',
      subject: users.member,
      window: 'rolling',
      hours: 24,
      cap_nano: DOLLAR,
      preset: 'shaped',
    })
    expect(ofUser).toMatchObject({ preset: 'shaped', hours: 24 })
    const key = await makeKey('member')
    const ofKey = await make('/admin/budgets', { scope: 'key', subject: key.id, window: 'day', cap_nano: 0 })
    const seenBy = async (who: Parameters<typeof ask>[0]) => {
      const { body } = await ask(who, 'GET', '/admin/budgets?limit=1000')
      const ids = body.data.map(({ id }) => id)
      return [ofTeam, ofUser, ofKey].map(({ id }) => ids.includes(id))
    }
    expect(await seenBy('auditor')).toEqual([true, true, true])
    expect(await seenBy('lead')).toEqual([true, false, true])
    expect(await seenBy('member')).toEqual([false, true, true])
    expect(await seenBy('otherLead')).toEqual([false, false, false])
    expect((await ask('otherMember', 'GET', `/admin/budgets/${ofUser.id}`)).status).toBe(404)
    expect((await ask('member', 'GET', `/admin/budgets/${ofUser.id}/standing`)).status).toBe(200)
    expect((await ask('lead', 'PATCH', `/admin/budgets/${ofTeam.id}`, { cap_nano: null })).status).toBe(403)
  })

  test('is changed, raised for a time and archived, each with its entry in the audit log', async () => {
    const { ask, make, teams, runtime } = await stageOn()
    const wish = { scope: 'member', subject: teams.theirs, window: 'week', cap_nano: 10 * DOLLAR }
    const { id } = await make('/admin/budgets', wish)
    const until = new Date(runtime.now() + 3_600_000).toISOString()
    const rules = [
      { at: 50, action: 'slow', requests_per_minute: 7 },
      { at: 90, action: 'step_down', model: 'claude-haiku-4-5' },
    ]
    const changed = await ask('admin', 'PATCH', `/admin/budgets/${id}`, {
      rules,
      raise: { nano: DOLLAR, until },
    })
    expect(changed.body).toMatchObject({
      rules,
      preset: null,
      raise: { nano: DOLLAR, until },
      cap_nano: 10 * DOLLAR,
    })
    const again = await ask('admin', 'PATCH', `/admin/budgets/${id}`, { cap_nano: null, raise: null })
    expect(again.body).toMatchObject({ rules, raise: null, cap_nano: null })
    expect((await ask('admin', 'POST', '/admin/budgets', wish)).status).toBe(409)
    expect((await ask('admin', 'DELETE', `/admin/budgets/${id}`)).status).toBe(204)
    expect((await ask('admin', 'GET', `/admin/budgets/${id}`)).status).toBe(404)
    await make('/admin/budgets', wish) // its place is free again
    const { body } = await ask('auditor', 'GET', `/admin/audit?target=budget:${id}`)
    expect(body.data.map(({ action }) => action).toSorted()).toEqual([
      'budget.archive',
      'budget.change',
      'budget.change',
      'budget.create',
    ])
  })

  test('says how it stands, for each user where each has it', async () => {
    const { ask, make, users, runtime } = await stageOn()
    const { id } = await make('/admin/budgets', {
      scope: 'everybody',
      window: 'quarter',
      cap_nano: 10 * DOLLAR,
      model: 'claude-opus-*',
    })
    await runtime.data.ledger.write(
      spentAt(runtime.now(), 4 * DOLLAR, { id: `req_${users.member.slice(5)}`, userId: users.member }),
    )
    const own = await ask('member', 'GET', `/admin/budgets/${id}/standing`)
    expect(own.body).toEqual({
      from: '2026-10-01T00:00:00.000Z',
      resets_at: '2027-01-01T00:00:00.000Z',
      spent_nano: 4 * DOLLAR,
      held_nano: 0,
      cap_nano: 10 * DOLLAR,
      remaining_nano: 6 * DOLLAR,
      percent: 40,
      closed: false,
    })
    const asked = (who: Parameters<typeof ask>[0], user: string) =>
      ask(who, 'GET', `/admin/budgets/${id}/standing?user=${user}`)
    expect((await asked('auditor', users.member)).body).toEqual(own.body)
    expect((await asked('admin', users.lead)).body).toMatchObject({ spent_nano: 0, percent: 0 })
    expect((await asked('member', users.lead)).status).toBe(404)
    expect((await ask('root', 'GET', `/admin/budgets/${id}/standing`)).status).toBe(400)
    await ask('admin', 'DELETE', `/admin/budgets/${id}`)
  })

  test.each([
    [{ cap_nano: 9e15 + 1 }, /cap_nano/],
    [{ cap_nano: -1 }, /cap_nano/],
    [{ cap_nano: 1.5 }, /cap_nano/],
    [{ cap_nano: '5' }, /cap_nano/],
    [{ cap_nano: undefined }, /cap_nano/],
    [{ window: 'rolling' }, /hours/],
    [{ hours: 5 }, /hours/],
    [{ scope: 'team', subject: '' }, /subject/],
    [{ scope: 'team', subject: 'team_none' }, /There is no team 'team_none'/],
    [{ subject: 'anything' }, /subject/],
    [{ preset: 'standard', rules: [{ at: 1, action: 'notify' }] }, /not both/],
    [{ rules: [] }, /rules/],
    [{ rules: [1, 2, 3, 4, 5, 6].map((at) => ({ at, action: 'notify' })) }, /rules/],
    [{ rules: [{ at: 80, action: 'slow' }] }, /how many requests/],
    [
      {
        rules: [
          { at: 80, action: 'block' },
          { at: 90, action: 'notify' },
        ],
      },
      /after `block`/,
    ],
    [
      {
        rules: [
          { at: 80, action: 'notify' },
          { at: 80, action: 'block' },
        ],
      },
      /ascending/,
    ],
    [{ rules: [{ at: 80, action: 'step_down', model: 'gpt-5' }] }, /no model named 'gpt-5'/],
    [{ raise: { nano: 9e15, until: '2026-11-20T13:00:00Z' } }, /raise.nano/],
    [{ raise: { nano: 1, until: '2026-11-20T11:00:00Z' } }, /raise.until/],
    [{ raise: { nano: 1, until: '2036-11-20T11:00:00Z' } }, /raise.until/],
    [{ colour: 'red' }, /colour/],
  ])('that cannot be meant, %j, is refused with where and why', async (wrong, sentence) => {
    const { ask } = await stageOn()
    const wish = { scope: 'organisation', window: 'month', cap_nano: DOLLAR, ...wrong }
    const { status, body } = await ask('admin', 'POST', '/admin/budgets', wish)
    expect(status).toBe(400)
    expect(body.error).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringMatching(sentence),
    })
  })
})

describe('limits of the organisation and of models', () => {
  test('are set, added to, listed and taken away', async () => {
    const { ask } = await stageOn()
    const put = (body: object) => ask('admin', 'PUT', '/admin/limits', body)
    expect((await put({ scope: 'organisation', limits: { concurrent: 50 } })).body).toEqual({
      scope: 'organisation',
      model: '',
      limits: { requests_per_minute: null, tokens_per_minute: null, concurrent: 50 },
    })
    const model = { scope: 'model', model: 'claude-opus-*' }
    await put({ ...model, limits: { requests_per_minute: 10 } })
    expect((await put({ ...model, limits: { tokens_per_minute: 1_000 } })).body['limits']).toEqual({
      requests_per_minute: 10,
      tokens_per_minute: 1_000,
      concurrent: null,
    })
    expect((await ask('auditor', 'GET', '/admin/limits')).body.data).toHaveLength(2)
    expect((await ask('lead', 'GET', '/admin/limits')).status).toBe(403)
    expect((await put({ scope: 'model', limits: {} })).status).toBe(400)
    for (const query of ['scope=organisation', 'scope=model&model=claude-opus-*'])
      expect((await ask('admin', 'DELETE', `/admin/limits?${query}`)).status).toBe(204)
    expect((await ask('admin', 'DELETE', '/admin/limits?scope=organisation')).status).toBe(404)
    const { body } = await ask('auditor', 'GET', '/admin/audit?target=limit:model:claude-opus-*')
    expect(body.data).toHaveLength(3)
  })
})

describe('the organisation', () => {
  test('is what goes without saying until something is said, which is audited', async () => {
    const { ask } = await stageOn()
    expect((await ask('member', 'GET', '/admin/organisation')).body).toEqual({
      name: 'The organisation',
      time_zone: 'UTC',
      fiscal_start: 1,
      contact: null,
      unpriced: 'allow',
      multiplier_percent: 100,
    })
    const change = (body: object) => ask('admin', 'PATCH', '/admin/organisation', body)
    expect((await change({ time_zone: 'Asia/Kathmandu', contact: '#ai' })).body).toMatchObject({
      time_zone: 'Asia/Kathmandu',
      contact: '#ai',
      fiscal_start: 1,
    })
    expect((await change({ fiscal_start: 4 })).body).toMatchObject({
      time_zone: 'Asia/Kathmandu',
      fiscal_start: 4,
    })
    for (const wrong of [
      { time_zone: 'Mars/Olympus' },
      { fiscal_start: 13 },
      { multiplier_percent: 0 },
      { ceo: 'Ada' },
    ])
      expect((await change(wrong)).status).toBe(400)
    expect((await ask('lead', 'PATCH', '/admin/organisation', { contact: null })).status).toBe(403)
    const { body } = await ask('auditor', 'GET', '/admin/audit?target=organisation')
    expect(body.data).toHaveLength(2)
    await change({ time_zone: 'UTC', fiscal_start: 1, contact: null })
  })
})
