/** What is kept of budgets and of common limits, and what counts as spent, whichever Postgres it is. */
import { describe, expect, test } from 'vitest'
import type { Data } from '../../src/data/data.ts'
import { newId } from '../../src/protocol/ids.ts'
import { budgetWith } from '../gateway/limitstage.ts'
import { ALL, NOW, rowMaker } from './rows.ts'

export function budgetSuite(stage: () => { data: Data }) {
  const row = rowMaker()
  /** Ids that no other test has. */
  const fresh = (what: string) => newId('user', NOW).replace('user', what)

  describe('budgets', () => {
    test('of one subject, model and window there is one; of an archived one the place is free', async () => {
      const { budgets } = stage().data
      const subject = fresh('team')
      const first = budgetWith({ scope: 'team', subject })
      expect(await budgets.create(first)).toBe(true)
      expect(await budgets.create(budgetWith({ scope: 'team', subject }))).toBe(false)
      expect(await budgets.create(budgetWith({ scope: 'member', subject }))).toBe(true)
      expect(await budgets.create(budgetWith({ scope: 'team', subject, window: 'day' }))).toBe(true)
      expect(await budgets.create(budgetWith({ scope: 'team', subject, model: '*haiku*' }))).toBe(true)
      expect(await budgets.archive(first.id, new Date(NOW))).toMatchObject({ id: first.id })
      expect(await budgets.archive(first.id, new Date(NOW))).toBeUndefined()
      expect(await budgets.byId(first.id)).toBeUndefined()
      expect(await budgets.change(first.id, { capNano: 1 })).toBeUndefined()
      expect(await budgets.create(budgetWith({ scope: 'team', subject }))).toBe(true)
    })

    test('apply to whom they are for: by key, user, team, and as defaults to those who are somebody', async () => {
      const { budgets } = stage().data
      const [keyId, userId, teamId] = [fresh('key'), fresh('user'), fresh('team')]
      const made = [
        budgetWith({ scope: 'key', subject: keyId }),
        budgetWith({ scope: 'user', subject: userId }),
        budgetWith({ scope: 'team', subject: teamId }),
        budgetWith({ scope: 'member', subject: teamId }),
        budgetWith({ scope: 'everybody', subject: '', model: keyId }),
        budgetWith({ scope: 'organisation', subject: '', model: keyId }),
        budgetWith({ scope: 'user', subject: teamId }), // another's, of the same id
      ]
      for (const budget of made) expect(await budgets.create(budget)).toBe(true)
      const scopes = async (spender: Parameters<typeof budgets.applying>[0]) =>
        (await budgets.applying(spender))
          .filter(({ id }) => made.some((each) => each.id === id))
          .map(({ scope }) => scope)
          .toSorted()
      expect(await scopes({ keyId, userId, teamId })).toEqual([
        'everybody',
        'key',
        'member',
        'organisation',
        'team',
        'user',
      ])
      expect(await scopes({ keyId, teamId })).toEqual(['key', 'organisation', 'team'])
      expect(await scopes({ keyId, userId })).toEqual(['everybody', 'key', 'organisation', 'user'])
      expect(await scopes({ keyId })).toEqual(['key', 'organisation'])
      expect(await scopes({ keyId: userId })).toEqual(['organisation'])
    })

    test('hold amounts to the nano-dollar, and rules as they were said', async () => {
      const { budgets } = stage().data
      const rules = [
        { at: 1, action: 'slow', requestsPerMinute: 3 },
        { at: 1_000, action: 'step_down', model: 'claude-haiku-4-5' },
      ] as const
      const budget = budgetWith({
        scope: 'user',
        subject: fresh('user'),
        capNano: 8_999_999_999_999_999,
        rules,
      })
      await budgets.create(budget)
      expect(await budgets.byId(budget.id)).toEqual(budget)
      const raise = { raiseNano: 1, raiseUntil: new Date(NOW + 1) }
      expect(await budgets.change(budget.id, raise)).toEqual({ ...budget, ...raise })
      expect(await budgets.change(budget.id, {})).toEqual({ ...budget, ...raise })
      const listed = await budgets.list({ within: ALL, scope: 'user', subject: budget.subject, limit: 9 })
      expect(listed.map(({ id }) => id)).toEqual([budget.id])
    })
  })

  test('common limits are put, found and removed', async () => {
    const { limits } = stage().data
    const subject = fresh('model')
    const limit = {
      scope: 'model',
      subject,
      requestsPerMinute: 1,
      tokensPerMinute: null,
      concurrent: 2,
    } as const
    await limits.put(limit)
    await limits.put({ ...limit, requestsPerMinute: null })
    expect(await limits.find(limit)).toEqual({ ...limit, requestsPerMinute: null })
    expect((await limits.all()).filter((each) => each.subject === subject)).toHaveLength(1)
    expect(await limits.remove(limit)).toBeDefined()
    expect(await limits.remove(limit)).toBeUndefined()
  })

  test('what is under way is not spent yet where somebody else counts it; what was begun long ago is', async () => {
    const { ledger, spending } = stage().data
    const keyId = fresh('key')
    const at = (minutes: number) => new Date(NOW - minutes * 60_000)
    await Promise.all([
      ledger.write(row({ keyId, status: 'succeeded', costNano: 1, startedAt: at(1) })),
      ledger.write(row({ keyId, status: 'pending', costNano: 10, startedAt: at(1) })),
      ledger.write(row({ keyId, status: 'pending', costNano: 100, startedAt: at(30) })),
      ledger.write(row({ keyId, status: 'lost', costNano: 1_000, startedAt: at(1) })),
    ])
    expect(await spending.spent({ keyId })).toBe(1_111)
    expect(await spending.spent({ keyId, settledFrom: at(15) })).toBe(1_101)
    expect(await spending.spent({ keyId, settledFrom: at(15), model: 'nothing' })).toBe(0)
    expect(await spending.spent({ keyId, settledFrom: at(15), since: at(20) })).toBe(1_001)
  })
}
