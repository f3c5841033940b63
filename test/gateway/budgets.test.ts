/** Budgets on the path of a call: what is set aside, what comes back, who is asked, and what follows from a level. */
import { describe, expect, test } from 'vitest'
import type { BudgetRow } from '../../src/data/budgets.ts'
import type { Limits, Want } from '../../src/data/limits.ts'
import type { LedgerRow } from '../../src/data/rows.ts'
import { ORGANISATION } from '../../src/gateway/organisation.ts'
import { spentAt } from '../data/rows.ts'
import { type TestRuntime, testRuntime } from '../runtime.ts'
import { ask, budgetWith, DOLLAR, payer, refused } from './limitstage.ts'

const CENT = DOLLAR / 100

function runtimeWith(...budgets: BudgetRow[]): TestRuntime {
  const runtime = testRuntime()
  runtime.budgets.push(...budgets)
  return runtime
}

/** A row of the ledger: of key_1, today, unless something else is said. */
function spend(runtime: TestRuntime, costNano: number, more: Partial<LedgerRow> = {}) {
  runtime.rows.push(spentAt(runtime.now(), costNano, more))
}

/** Notes what the store and the ledger are asked. */
function watched(runtime: TestRuntime) {
  const { limits, data } = runtime
  const seen = { takes: [] as (readonly Want[])[], raises: 0, sums: 0 }
  runtime.limits = {
    ...limits,
    take(wants) {
      seen.takes.push(wants)
      return limits.take(wants)
    },
    raise(floors) {
      seen.raises++
      return limits.raise(floors)
    },
  }
  runtime.data = {
    ...data,
    spending: {
      spent(of) {
        seen.sums++
        return data.spending.spent(of)
      },
    },
  }
  return seen
}

describe('what is left of a budget', () => {
  test('is asked of the ledger once, and of the store with every call', async () => {
    const runtime = runtimeWith(budgetWith(), budgetWith({ scope: 'organisation', subject: '' }))
    spend(runtime, 4 * DOLLAR)
    const seen = watched(runtime)
    const who = await payer(runtime, {
      limits: { requestsPerMinute: 100, tokensPerMinute: 1_000_000, concurrent: 9 },
    })
    for (let call = 0; call < 3; call++) await (await ask(runtime, who)).settle({ costNano: CENT })
    expect(seen.sums).toBe(2)
    expect(seen.takes.map(({ length }) => length)).toEqual([5, 5, 5])
    const { headers } = await ask(runtime, who)
    expect(headers['x-outcrop-budget-remaining-usd']).toBe('5.970000')
  })

  test('is what the ledger says and what was settled since; a call that failed costs nothing', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: DOLLAR }))
    spend(runtime, 98 * CENT)
    const who = await payer(runtime)
    await (await ask(runtime, who)).settle({ costNano: 0 })
    await (await ask(runtime, who)).settle({ costNano: CENT, usageSource: 'partial', outputTokens: 5 })
    await (await ask(runtime, who)).settle({ costNano: CENT, usageSource: 'estimated', inputTokens: 5 })
    expect(await refused(runtime, who)).toMatchObject({ type: 'billing_error' })
  })

  test('where no price is known, is charged at what the dearest of its family costs', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: CENT }))
    const who = await payer(runtime)
    const asked = {
      model: 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456',
      bytes: 400,
    }
    const grant = await ask(runtime, who, asked)
    expect(grant.aside).toBeGreaterThan(0)
    await grant.settle({ outputTokens: 10_000 })
    expect(await refused(runtime, who, asked)).toMatchObject({ type: 'billing_error' })
  })

  test('is no business of a call to a model that the budget is not for', async () => {
    const runtime = runtimeWith(budgetWith({ model: 'claude-opus-*', capNano: 0 }))
    const who = await payer(runtime)
    await refused(runtime, who)
    const { headers } = await ask(runtime, who, { model: 'claude-sonnet-5' })
    expect(headers).toEqual({})
  })

  test('cannot be told while the database is away: refused, to come again; told before, it is not asked', async () => {
    const runtime = runtimeWith(budgetWith())
    const who = await payer(runtime)
    const { data } = runtime
    const away = { spent: () => Promise.reject(new Error('connection refused, at secret:5432')) }
    runtime.data = { ...data, spending: away }
    const refusal = await refused(runtime, who)
    expect(refusal).toMatchObject({ type: 'api_error', status: 503, retryAfter: 5, retry: undefined })
    expect(refusal.message).not.toContain('secret')
    runtime.data = data
    await ask(runtime, who)
    runtime.data = { ...data, spending: away }
    await ask(runtime, who)
  })

  test('that the store has lost is asked of the ledger again, once', async () => {
    const runtime = runtimeWith(budgetWith())
    spend(runtime, 4 * DOLLAR)
    const who = await payer(runtime)
    await ask(runtime, who)
    spend(runtime, DOLLAR) // by another process
    runtime.limits = testRuntime().limits
    const seen = watched(runtime)
    await ask(runtime, who)
    expect(seen).toMatchObject({ sums: 1, raises: 0 })
    expect(seen.takes).toHaveLength(2)
    expect((await ask(runtime, who)).headers['x-outcrop-budget-percent']).toBe('50')
  })

  test('that the store loses at once is refused, not let through', async () => {
    const runtime = runtimeWith(budgetWith())
    const forgetful: Limits = {
      take: (wants) => ({
        granted: false,
        standings: wants.map(() => ({ spent: 0, held: 0 })),
        unknown: [0],
      }),
      raise: () => {},
    }
    runtime.limits = forgetful
    expect(await refused(runtime, await payer(runtime))).toMatchObject({ type: 'api_error', status: 503 })
  })

  test('is made good from the ledger after some minutes: what no store was told of', async () => {
    const runtime = runtimeWith(budgetWith())
    const who = await payer(runtime)
    const grant = await ask(runtime, who)
    spend(runtime, 9 * DOLLAR) // of a process that died
    spend(runtime, 5 * DOLLAR, { status: 'pending' }) // under way elsewhere: set aside there
    runtime.clock.now += 301_000
    const seen = watched(runtime)
    await grant.settle({ costNano: CENT })
    expect(seen).toMatchObject({ sums: 1, raises: 1 })
    expect((await ask(runtime, who)).headers['x-outcrop-budget-percent']).toBe('0')
    expect((await ask(runtime, who)).headers['x-outcrop-budget-percent']).toBe('90')
  })
})

describe('what is set aside', () => {
  test('is the price of what the body may come to, with an answer no longer than it may get', async () => {
    const runtime = runtimeWith(budgetWith())
    const who = await payer(runtime)
    const aside = async (bytes: number, maxTokens: number) =>
      (await ask(runtime, who, { bytes, maxTokens })).aside
    // A quarter of a token a byte, written to a cache at $5.50 a million; and an answer at $22.
    expect(await aside(40_000, 1)).toBe(10_000 * 5_500 + 22_000)
    expect(await aside(40_000, 500)).toBe(10_000 * 5_500 + 500 * 22_000)
    expect(await aside(40_000, 64_000)).toBe(10_000 * 5_500 + 2_000 * 22_000)
  })

  test('is soon what calls of this session come to, whatever those of another do', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: 1_000 * DOLLAR }))
    const who = await payer(runtime)
    const usage = { inputTokens: 10, cacheReadTokens: 95_000, cacheWrite5mTokens: 2_000, outputTokens: 400 }
    const truth = 10 * 4_400 + 95_000 * 220 + 2_000 * 5_500 + 400 * 22_000
    for (let turn = 0; turn < 12; turn++) {
      const grant = await ask(runtime, who, { bytes: 400_000, session: 'long', maxTokens: 64_000 })
      await grant.settle({ ...usage, costNano: truth })
    }
    const cached = await ask(runtime, who, { bytes: 400_000, session: 'long', maxTokens: 64_000 })
    expect(cached.aside).toBeGreaterThan(truth)
    expect(cached.aside).toBeLessThan(truth * 2)
    for (let turn = 0; turn < 12; turn++) {
      const grant = await ask(runtime, who, { bytes: 4_000, session: 'short', maxTokens: 64_000 })
      await grant.settle({ inputTokens: 1_000, outputTokens: 10_000, costNano: 1 })
    }
    const again = await ask(runtime, who, { bytes: 400_000, session: 'long', maxTokens: 64_000 })
    expect(again.aside).toBe(cached.aside)
  })

  test('allows for answers of many lengths: more than they are on average', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: 1_000 * DOLLAR }))
    const who = await payer(runtime)
    for (let turn = 0; turn < 40; turn++) {
      const outputTokens = turn % 2 === 0 ? 1_000 : 5_000
      await (await ask(runtime, who, { maxTokens: 64_000 })).settle({ outputTokens, costNano: 1 })
    }
    const { aside = 0 } = await ask(runtime, who, { bytes: 100, maxTokens: 64_000 })
    expect(aside / 22_000).toBeGreaterThan(6_000)
    expect(aside / 22_000).toBeLessThan(8_000)
  })

  test('keeps others out while it may be needed: they are to come again soon, and do', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: 3 * CENT }))
    const who = await payer(runtime)
    const first = await ask(runtime, who, { bytes: 40_000 })
    const refusal = await refused(runtime, who)
    expect(refusal).toMatchObject({ type: 'rate_limit_error', retryAfter: 3, retry: undefined })
    expect(refusal.message).toBe(
      "This key's monthly budget has no room left but for calls that are under way. Try again in 3 seconds.",
    )
    await runtime.settled()
    expect(runtime.rows).toEqual([]) // it is not spent
    await first.settle({ costNano: CENT })
    await ask(runtime, who)
  })
})

describe('the last of a budget', () => {
  test('is for a call that is alone: beside others one waits that may cost more than is left', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: 10 * CENT }))
    const who = await payer(runtime, { limits: { requestsPerMinute: 3, concurrent: 9 } })
    const guess = { usageSource: 'estimated' } as const // which teaches nothing: each is expected to cost 7.7 cents
    await (await ask(runtime, who, { bytes: 40_000 })).settle({ ...guess, costNano: CENT })
    const second = await ask(runtime, who, { bytes: 40_000 })
    expect(await refused(runtime, who, { bytes: 40_000 })).toMatchObject({ type: 'rate_limit_error' })
    await second.settle({ ...guess, costNano: 8 * CENT })
    const third = await ask(runtime, who, { bytes: 40_000 }) // what was refused was charged nothing
    expect(third.aside).toBe(CENT)
  })
})

describe('a budget that is spent', () => {
  test('says which, how much, until when and whom to ask, in words and in the headers of the client', async () => {
    const runtime = runtimeWith(budgetWith({ scope: 'team', subject: 'team_1', capNano: 50 * DOLLAR }))
    await runtime.data.settings.put(ORGANISATION, { timeZone: 'Europe/Berlin', contact: '#ai-budget' })
    spend(runtime, 50.02 * DOLLAR, { teamId: 'team_1' })
    const refusal = await refused(runtime, await payer(runtime, { teamId: 'team_1' }))
    expect(refusal.message).toBe(
      "The monthly budget of the team 'Marmots' is spent: $50.02 of $50.00. It resets on Dec 1, 2026, 00:00 " +
        '(Europe/Berlin). Ask #ai-budget for more.',
    )
    const reset = Date.parse('2026-11-30T23:00:00Z') / 1_000
    expect(refusal).toMatchObject({ retry: false, retryAfter: reset - runtime.now() / 1_000 })
    expect(refusal.headers).toEqual({
      'x-outcrop-budget': runtime.budgets[0]?.id,
      'x-outcrop-budget-percent': '100',
      'x-outcrop-budget-remaining-usd': '0.000000',
      'x-outcrop-budget-reset': '2026-11-30T23:00:00Z',
      'x-outcrop-budget-action': 'block',
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(reset),
      'anthropic-ratelimit-unified-overage-reset': String(reset),
      'anthropic-ratelimit-unified-overage-utilization': '1.00',
      'anthropic-ratelimit-unified-overage-surpassed-threshold': '1',
      'anthropic-ratelimit-unified-overage-period': 'monthly',
      'anthropic-ratelimit-unified-overage-disabled-reason': 'org_spend_cap_reached',
    })
    expect(runtime.metrics.text()).toContain('outcrop_limit_refusals_total{limit="budget"} 1')
  })

  test('is open again in the next window, and shut where what is spent was spent in this one', async () => {
    const runtime = runtimeWith(budgetWith({ window: 'day', capNano: DOLLAR }))
    spend(runtime, DOLLAR)
    const who = await payer(runtime)
    await refused(runtime, who)
    runtime.clock.now = Date.UTC(2026, 10, 21) - 1
    await refused(runtime, who)
    runtime.clock.now = Date.UTC(2026, 10, 21)
    await (await ask(runtime, who)).settle({ costNano: DOLLAR })
    await refused(runtime, who)
  })

  test('of nothing at all does not pretend that waiting helps', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: 0, rules: [{ at: 80, action: 'notify' }] }))
    const refusal = await refused(runtime, await payer(runtime))
    expect(refusal.message).toBe(
      "This key's monthly budget allows nothing. Ask whoever runs this gateway for more.",
    )
    expect(refusal).toMatchObject({ type: 'billing_error', retryAfter: undefined })
  })

  test('that was raised lets through what it was raised by, until the raise ends', async () => {
    const raiseUntil = new Date(Date.UTC(2026, 10, 20, 13))
    const runtime = runtimeWith(budgetWith({ raiseNano: 2 * DOLLAR, raiseUntil }))
    spend(runtime, 11 * DOLLAR)
    const who = await payer(runtime)
    const { headers } = await ask(runtime, who)
    expect(headers['x-outcrop-budget-remaining-usd']).toBe('1.000000')
    runtime.clock.now = raiseUntil.getTime()
    await refused(runtime, who)
  })

  test('of several, the one that stays so for longest is named', async () => {
    const runtime = runtimeWith(
      budgetWith({ window: 'day', capNano: DOLLAR }),
      budgetWith({ window: 'quarter', capNano: DOLLAR }),
      budgetWith({ window: 'week', capNano: DOLLAR }),
    )
    spend(runtime, DOLLAR)
    expect((await refused(runtime, await payer(runtime))).message).toContain('quarterly')
  })

  test('asked in a loop leaves so many rows a minute; the others are counted', async () => {
    const runtime = runtimeWith(budgetWith({ capNano: 0 }))
    const who = await payer(runtime)
    for (let call = 0; call < 70; call++) await refused(runtime, who)
    await runtime.settled()
    expect(runtime.rows).toHaveLength(60)
    expect(runtime.metrics.text()).toContain('outcrop_unwritten_refusals_total 10')
  })
})

describe('before a budget is spent', () => {
  test.each([
    [74, 'allowed', undefined, '0.74'],
    [75, 'allowed', undefined, '0.75'],
    [76, 'allowed_warning', '0.75', '0.76'],
    [96, 'allowed_warning', '0.95', '0.96'],
    [99.9, 'allowed_warning', '0.95', '0.99'],
  ])('at %s %% the client is told %s', async (percent, status, surpassed, utilization) => {
    const runtime = runtimeWith(
      budgetWith({ capNano: 100 * DOLLAR }),
      budgetWith({ window: 'quarter', capNano: 1e12 }),
    )
    spend(runtime, percent * DOLLAR)
    const { headers } = await ask(runtime, await payer(runtime))
    const prefix = 'anthropic-ratelimit-unified'
    expect(headers[`${prefix}-status`]).toBe(status)
    expect(headers[`${prefix}-overage-surpassed-threshold`]).toBe(surpassed)
    expect(headers[`${prefix}-overage-utilization`]).toBe(utilization)
    expect(headers[`${prefix}-reset`]).toBe(String(Date.UTC(2026, 11, 1) / 1_000))
    expect(headers['x-outcrop-budget-percent']).toBe(String(Math.floor(percent)))
  })

  test('each threshold is told of once in a window, by whichever process', async () => {
    const rules = [
      { at: 50, action: 'notify' },
      { at: 80, action: 'slow', requestsPerMinute: 100 },
      { at: 100, action: 'block' },
    ] as const
    const runtime = runtimeWith(budgetWith({ scope: 'team', subject: 'team_1', rules }))
    const who = await payer(runtime, { teamId: 'team_1' })
    const told = () => runtime.told.map(({ kind, detail }) => [kind, detail['threshold_percent']])
    await (await ask(runtime, who)).settle({ costNano: 5 * DOLLAR })
    await (await ask(runtime, who)).settle({ costNano: CENT })
    expect(told()).toEqual([['budget_threshold', 50]])
    await (await ask(runtime, who)).settle({ costNano: 6 * DOLLAR })
    await refused(runtime, who)
    expect(told()).toEqual([
      ['budget_threshold', 50],
      ['budget_threshold', 80],
      ['budget_spent', 100],
    ])
    expect(runtime.told[0]).toMatchObject({
      severity: 'warning',
      teamId: 'team_1',
      subject: `budget_threshold:budget:${runtime.budgets[0]?.id}:50:month:2026-11-01`,
      sentence:
        "The monthly budget of the team 'Marmots': $5.00 of $10.00 are spent (50 %). It resets on Dec 1, 2026, 00:00 (UTC).",
    })
    expect(new Set(runtime.told.map(({ subject }) => subject)).size).toBe(3)
  })

  test('one that cannot be told of is told of with the next call', async () => {
    const runtime = runtimeWith(budgetWith({ rules: [{ at: 50, action: 'notify' }] }))
    const { data } = runtime
    const who = await payer(runtime)
    const notices = { ...data.notices, raise: () => Promise.reject(new Error('away')) }
    runtime.data = { ...data, notices }
    await (await ask(runtime, who)).settle({ costNano: 6 * DOLLAR })
    await runtime.settled()
    runtime.data = data
    await (await ask(runtime, who)).settle({ costNano: CENT })
    expect(runtime.told).toHaveLength(1)
  })
})

describe('a policy', () => {
  test('that slows down lets so many a minute through, and says why', async () => {
    const slow = { at: 80, action: 'slow', requestsPerMinute: 2 } as const
    const runtime = runtimeWith(budgetWith({ rules: [slow, { at: 100, action: 'block' }] }))
    spend(runtime, 8.5 * DOLLAR)
    const who = await payer(runtime)
    const grant = await ask(runtime, who)
    expect(grant.decision).toEqual({ budgetId: runtime.budgets[0]?.id, budgetAction: 'slow' })
    expect(grant.headers['anthropic-ratelimit-requests-limit']).toBe('2')
    await ask(runtime, who)
    const refusal = await refused(runtime, who)
    expect(refusal).toMatchObject({ type: 'rate_limit_error', retryAfter: 30 })
    expect(refusal.message).toBe(
      "This key's monthly budget is nearly used up ($8.50 of $10.00): it lets 2 requests a minute through. Try again in 30 seconds.",
    )
  })

  const stepping = (model: string, more: Partial<BudgetRow> = {}) =>
    budgetWith({
      rules: [
        { at: 50, action: 'step_down', model },
        { at: 100, action: 'block' },
      ],
      ...more,
    })

  test('that steps down sends the call to the other model, and says so', async () => {
    const runtime = runtimeWith(stepping('claude-haiku-4-5'))
    const who = await payer(runtime)
    expect((await ask(runtime, who)).choice.routes[0].model?.name).toBe('claude-opus-5-5')
    spend(runtime, 6 * DOLLAR)
    const late = testRuntime()
    late.budgets.push(...runtime.budgets)
    late.rows.push(...runtime.rows)
    const grant = await ask(late, who)
    expect(grant.choice.routes[0].modelId).toBe('us.anthropic.claude-haiku-4-5-20251001-v1:0')
    expect(grant.model).toBe('claude-haiku-4-5')
    expect(grant.decision).toEqual({ budgetId: runtime.budgets[0]?.id, budgetAction: 'step_down' })
    expect(grant.headers).toMatchObject({
      'x-outcrop-model': 'claude-haiku-4-5',
      'x-outcrop-budget-action': 'step_down',
    })
    expect((await ask(late, who, { model: 'claude-haiku-4-5' })).model).toBeUndefined()
  })

  test('that steps down out of its own models pays no more from it', async () => {
    const runtime = runtimeWith(stepping('claude-sonnet-5', { model: 'claude-opus-*', capNano: 0 }))
    const grant = await ask(runtime, await payer(runtime))
    expect(grant.choice.routes[0].model?.name).toBe('claude-sonnet-5')
    expect(grant.aside).toBeUndefined()
    expect(grant.headers['x-outcrop-model']).toBe('claude-sonnet-5')
  })

  test('steps as often as budgets want, and not round in a circle', async () => {
    const runtime = runtimeWith(
      stepping('claude-sonnet-5', { model: 'claude-opus-*', capNano: 0 }),
      stepping('claude-haiku-4-5', { model: 'claude-sonnet-*', capNano: 0 }),
    )
    expect((await ask(runtime, await payer(runtime))).model).toBe('claude-haiku-4-5')
    runtime.budgets.push(stepping('claude-opus-5-5', { model: 'claude-haiku-*', window: 'day', capNano: 0 }))
    const refusal = await refused(runtime, await payer(runtime))
    expect(refusal).toMatchObject({ type: 'billing_error' })
  })

  test.each([
    ['a model that the key may not use', { models: ['claude-opus-*'], deniedModels: null }],
    ['a model that the key is denied', { models: null, deniedModels: ['*haiku*'] }],
  ])('never steps to %s: it is refused instead, and that is on the ledger', async (_, rule) => {
    const runtime = runtimeWith(stepping('claude-haiku-4-5'))
    spend(runtime, 6 * DOLLAR)
    const who = { ...(await payer(runtime)), models: [rule] }
    const refusal = await refused(runtime, who)
    expect(refusal).toMatchObject({ type: 'billing_error', retry: false })
    expect(refusal.message).toContain('$6.00 of $10.00')
    expect(refusal.message).toContain("'claude-haiku-4-5'")
    await runtime.settled()
    expect(runtime.rows.at(-1)).toMatchObject({ status: 'refused', budgetAction: 'block', attempts: 0 })
  })
})

describe('a rolling budget', () => {
  test('counts what was spent in its last hours, and no longer', async () => {
    const runtime = runtimeWith(budgetWith({ window: 'rolling', hours: 5, capNano: DOLLAR }))
    const who = await payer(runtime)
    await (await ask(runtime, who)).settle({ costNano: DOLLAR })
    spend(runtime, DOLLAR)
    const refusal = await refused(runtime, who)
    expect(refusal.message).toContain('5-hour budget is spent')
    expect(refusal.message).toContain('It counts the last 5 hours')
    expect(refusal.retryAfter).toBe(1_500)
    runtime.clock.now += 4.9 * 3_600_000
    await refused(runtime, who)
    runtime.clock.now += 0.6 * 3_600_000
    await ask(runtime, who)
  })

  test('counts a call that was under way while it took a step', async () => {
    const runtime = runtimeWith(budgetWith({ window: 'rolling', hours: 24, capNano: DOLLAR }))
    const who = await payer(runtime)
    const slow = await ask(runtime, who)
    runtime.clock.now += 3_600_000
    await (await ask(runtime, who)).settle({ costNano: 0 })
    await slow.settle({ costNano: DOLLAR })
    await refused(runtime, who)
  })
})
