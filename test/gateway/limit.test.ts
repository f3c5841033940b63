/** What a key may send a minute: what is counted, what is set aside, what comes back, and how a refusal speaks. */
import { describe, expect, test } from 'vitest'
import type { Limits, Want } from '../../src/data/limits.ts'
import type { Principal } from '../../src/gateway/authenticate.ts'
import type { Grant } from '../../src/gateway/grant.ts'
import { ANYONE, type TestRuntime, testRuntime } from '../runtime.ts'
import * as stage from './limitstage.ts'

const principal = (
  requestsPerMinute: number | null,
  tokensPerMinute: number | null = null,
  keyId = 'key_1',
): Principal => ({
  ...ANYONE,
  keyId,
  limits: [stage.allowance({ subject: keyId, requestsPerMinute, tokensPerMinute })],
})

const ask = (runtime: TestRuntime, who: Principal, bytes = 4) => stage.ask(runtime, who, { bytes })
const refused = (runtime: TestRuntime, who: Principal, bytes = 4) => stage.refused(runtime, who, { bytes })

const tokensLeft = (grant: Grant) => Number(grant.headers['anthropic-ratelimit-tokens-remaining'])

describe('a key without limits', () => {
  test('asks nobody, and gets no headers', async () => {
    const limits: Limits = { take: () => expect.fail('asked'), raise: () => expect.fail('asked') }
    const runtime = testRuntime({ limits })
    expect(await ask(runtime, ANYONE)).toMatchObject({ headers: {}, day: '2026-11-20' })
  })
})

describe('requests a minute', () => {
  test('are counted whatever became of them, and settled without asking anybody', async () => {
    const runtime = testRuntime()
    for (let request = 0; request < 3; request++) await (await ask(runtime, principal(3))).settle({})
    await expect(ask(runtime, principal(3))).rejects.toMatchObject({ type: 'rate_limit_error', status: 429 })
  })

  test('that are used up are refused in a sentence with the limit and when to come back, which is true', async () => {
    const runtime = testRuntime()
    for (let request = 0; request < 4; request++) await ask(runtime, principal(4))
    const { message, retryAfter, headers } = await refused(runtime, principal(4))
    expect(message).toBe('This key has used its limit of 4 requests a minute. Try again in 15 seconds.')
    expect(retryAfter).toBe(15)
    expect(headers).toEqual({
      'anthropic-ratelimit-requests-limit': '4',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-20T12:01:00Z',
    })
    runtime.clock.now += 14_000
    expect(await refused(runtime, principal(4))).toMatchObject({ retryAfter: 1 })
    runtime.clock.now += 1_000
    await ask(runtime, principal(4))
    expect(runtime.metrics.text()).toContain('outcrop_limit_refusals_total{limit="requests"} 2')
  })

  test('are of one key alone', async () => {
    const runtime = testRuntime()
    await ask(runtime, principal(1))
    await ask(runtime, principal(1, null, 'key_2'))
    await refused(runtime, principal(1))
  })
})

describe('tokens a minute', () => {
  const spent = { inputTokens: 100, cacheWrite5mTokens: 20, cacheWrite1hTokens: 3, outputTokens: 7 }

  test('are input, cache writes and output; what a cache gave is not among them', async () => {
    const runtime = testRuntime()
    const row = { ...spent, cacheReadTokens: 1_000_000 }
    await (await ask(runtime, principal(null, 100_000))).settle(row)
    expect(tokensLeft(await ask(runtime, principal(null, 100_000)))).toBe(100_000 - 130 - 2)
  })

  test('are set aside by the length of the body, a quarter of the limit at most, and corrected', async () => {
    const runtime = testRuntime()
    const first = await ask(runtime, principal(null, 100_000), 40_000)
    expect(tokensLeft(first)).toBe(90_000)
    const huge = await ask(runtime, principal(null, 100_000), 20_000_000)
    expect(tokensLeft(huge)).toBe(65_000)
    await first.settle({})
    await huge.settle({})
    expect(tokensLeft(await ask(runtime, principal(null, 100_000)))).toBe(99_999)
  })

  test('of a call that was refused come back, and teach nothing', async () => {
    const runtime = testRuntime()
    for (let call = 0; call < 50; call++) {
      const grant = await ask(runtime, principal(null, 1_000), 4_000)
      expect(tokensLeft(grant)).toBe(750)
      await grant.settle({})
    }
  })

  test('of a call that was given up before anybody counted are those set aside, whatever its length suggests', async () => {
    const runtime = testRuntime()
    const who = principal(null, 100_000)
    const grant = await ask(runtime, who, 400)
    await grant.settle({ usageSource: 'estimated', inputTokens: 90_000 })
    expect(tokensLeft(await ask(runtime, who, 400))).toBe(99_800)
  })

  test('beyond what was set aside are owed: the next call waits until they are paid', async () => {
    const runtime = testRuntime()
    await (await ask(runtime, principal(null, 1_000))).settle({ outputTokens: 6_000 })
    const far = await refused(runtime, principal(null, 1_000))
    expect(far.message).toBe('This key has used its limit of 1000 tokens a minute. Try again in 6 minutes.')
    expect(far.retryAfter).toBe(60) // Claude Code gives up at once when told more
    runtime.clock.now += 315_000
    await ask(runtime, principal(null, 1_000))
  })

  test('a session that lives on its cache soon sets aside what it spends: forty agents at once get through', async () => {
    const runtime = testRuntime()
    const who = principal(null, 200_000)
    for (let turn = 0; turn < 6; turn++) {
      await (await ask(runtime, who, 400_000)).settle({
        inputTokens: 10,
        cacheWrite5mTokens: 1_500,
        outputTokens: 500,
      })
      runtime.clock.now += 10_000
    }
    const agents = await Promise.all(Array.from({ length: 40 }, () => ask(runtime, who, 400_000)))
    expect(agents).toHaveLength(40)
    // The other way round: each byte costs, and fewer are let in at once.
    for (const agent of agents) await agent.settle({ inputTokens: 50_000 })
    runtime.clock.now += 3_600_000
    const heavy = await Promise.allSettled(Array.from({ length: 40 }, () => ask(runtime, who, 400_000)))
    expect(heavy.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
  })
})

describe('both', () => {
  test('are asked for at once, and a refusal names the one that takes longer', async () => {
    const wants: (readonly Want[])[] = []
    const runtime = testRuntime()
    const { limits } = runtime
    runtime.limits = {
      ...limits,
      take(wanted) {
        wants.push(wanted)
        return limits.take(wanted)
      },
    }
    const who = principal(2, 1_000)
    const grant = await ask(runtime, who)
    expect(wants).toHaveLength(1)
    expect(Object.keys(grant.headers).toSorted()).toEqual(
      ['requests', 'tokens'].flatMap((name) =>
        ['limit', 'remaining', 'reset'].map((figure) => `anthropic-ratelimit-${name}-${figure}`),
      ),
    )
    await grant.settle({ outputTokens: 1_700 })
    expect(await refused(runtime, who)).toMatchObject({ message: expect.stringContaining('1000 tokens') })
    runtime.clock.now += 43_000
    await ask(runtime, who)
    await ask(runtime, who).catch(() => {})
    runtime.clock.now += 60_000
    for (let request = 0; request < 2; request++) await ask(runtime, who)
    expect(await refused(runtime, who)).toMatchObject({ message: expect.stringContaining('2 requests') })
  })
})

describe('limits of several', () => {
  const none = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null }
  const of = (...limits: Principal['limits']): Principal => ({ ...ANYONE, limits })

  test.each([
    ['key', 'This key has used its limit of 1 requests a minute.'],
    ['user', 'You have used your limit of 1 requests a minute.'],
    ['team', "The team 'Marmots' has used its limit of 1 requests a minute."],
    ['organisation', 'The organisation has used its limit of 1 requests a minute.'],
  ] as const)('of the %s: a refusal says whose it was', async (scope, sentence) => {
    const runtime = testRuntime()
    const limit = { scope, subject: 'its', name: 'Marmots', ...none, requestsPerMinute: 1 }
    const who = of({ ...limit, scope: 'key', subject: 'another', requestsPerMinute: 100 }, limit)
    const grant = await ask(runtime, who)
    expect(grant.headers['anthropic-ratelimit-requests-limit']).toBe('1') // the tightest
    expect((await refused(runtime, who)).message).toBe(`${sentence} Try again in 60 seconds.`)
  })

  test('of a model hold for that model alone', async () => {
    const runtime = testRuntime()
    const who = of({
      scope: 'model',
      subject: 'claude-opus-*',
      name: 'claude-opus-*',
      ...none,
      requestsPerMinute: 1,
    })
    const opus = { model: 'claude-opus-5-5' }
    await stage.ask(runtime, who, opus)
    expect((await stage.refused(runtime, who, opus)).message).toContain(
      "The limit of 1 requests a minute to models named 'claude-opus-*' is used up.",
    )
    await stage.ask(runtime, who, { model: 'claude-sonnet-5' })
    await stage.refused(runtime, who, { model: 'claude-opus-4-8' })
  })

  test('take nothing of the others where one refuses', async () => {
    const runtime = testRuntime()
    const narrow = stage.allowance({ subject: 'narrow', requestsPerMinute: 1 })
    const wide = stage.allowance({ scope: 'team', subject: 'wide', requestsPerMinute: 100, concurrent: 50 })
    await ask(runtime, of(narrow, wide))
    for (let call = 0; call < 5; call++) await refused(runtime, of(narrow, wide))
    const { headers } = await ask(runtime, of(wide))
    expect(headers['anthropic-ratelimit-requests-remaining']).toBe('98')
  })
})

describe('calls under way', () => {
  const two = { ...ANYONE, limits: [stage.allowance({ concurrent: 2 })] }

  test('are so many at once, and room is made by one that ends, however it ends', async () => {
    const runtime = testRuntime()
    const [first, second] = [await ask(runtime, two), await ask(runtime, two)]
    expect(await refused(runtime, two)).toMatchObject({
      type: 'rate_limit_error',
      retryAfter: 3,
      message: 'This key has 2 calls under way, which is the limit. Try again in 3 seconds.',
    })
    await first.settle({ outputTokens: 5, costNano: 7 })
    await ask(runtime, two)
    await refused(runtime, two)
    await second.settle({ usageSource: 'estimated', inputTokens: 5 })
    await ask(runtime, two)
    expect(runtime.metrics.text()).toContain('outcrop_limit_refusals_total{limit="concurrent"} 2')
  })
})
