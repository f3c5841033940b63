/** Budgets as a client meets them, over the network: what is asked before dispatch, what a row says, what is refused how. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Data } from '../../src/data/data.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { throttle } from '../fakes/steps.ts'
import { budgetWith, DOLLAR } from '../gateway/limitstage.ts'
import type { TestRuntime } from '../runtime.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

const call = {
  model: 'claude-opus-5-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: '!say hello' }],
}

/** A gateway whose key has these budgets. */
async function gatewayWith(...budgets: Parameters<typeof budgetWith>[0][]) {
  const gateway = await gatewayOn(bedrock)
  const subject = gateway.runtime.keys[0]?.id ?? ''
  gateway.runtime.budgets.push(...budgets.map((more) => budgetWith({ subject, ...more })))
  return gateway
}

/** Every question to the database from here on, by name. */
function questions(runtime: TestRuntime): string[] {
  const asked: string[] = []
  const watch = <T extends object>(table: T, name: string): T =>
    new Proxy(table, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (typeof value === 'function') {
          return (...args: unknown[]) => {
            asked.push(`${name}.${String(key)}`)
            return value.apply(target, args) as unknown
          }
        }
        return typeof value === 'object' && value !== null ? watch(value, String(key)) : value
      },
    })
  runtime.data = watch<Data>(runtime.data, 'data')
  return asked
}

describe('the way to the upstream, once a key is known', () => {
  test('asks the database nothing and the store of limits once, however many limits and budgets hold', async () => {
    const { runtime, post } = await gatewayWith({}, { window: 'day' }, { scope: 'organisation', subject: '' })
    Object.assign(runtime.keys[0] ?? {}, {
      requestsPerMinute: 100,
      tokensPerMinute: 1_000_000,
      concurrent: 10,
    })
    await runtime.data.limits.put({
      scope: 'model',
      subject: 'claude-opus-*',
      requestsPerMinute: 100,
      tokensPerMinute: null,
      concurrent: null,
    })
    await (await post(call)).text()
    await runtime.settled()
    const asked = questions(runtime)
    const { limits, fetch: send } = runtime
    let [takes, wants] = [0, 0]
    runtime.limits = {
      ...limits,
      take(wanted) {
        takes++
        wants += wanted.length
        return limits.take(wanted)
      },
    }
    const atDispatch: unknown[] = []
    runtime.fetch = (...args) => {
      atDispatch.push({ asked: [...asked], takes })
      return send(...args)
    }
    const response = await post(call)
    expect(response.status).toBe(200)
    await response.text()
    expect(atDispatch).toEqual([{ asked: [], takes: 1 }])
    expect(wants).toBe(7)
  })
})

describe('a call that is let through', () => {
  test('is paid at its true cost, and its row says who paid and on which day', async () => {
    const { runtime, post } = await gatewayWith({ capNano: DOLLAR, rules: [{ at: 1, action: 'notify' }] })
    for (let request = 0; request < 2; request++) {
      const response = await post(call)
      expect(response.headers.get('anthropic-ratelimit-unified-status')).toBeNull() // nothing closes it
      expect(response.headers.get('x-outcrop-budget')).toBe(runtime.budgets[0]?.id)
      await response.text()
      await runtime.settled()
    }
    const [row] = runtime.rows
    expect(row).toMatchObject({ status: 'succeeded', keyId: runtime.keys[0]?.id, regionClass: 'us' })
    expect(row?.day).toBe(new Date().toISOString().slice(0, 10))
    const total = runtime.rows.reduce((sum, { costNano }) => sum + (costNano ?? 0), 0)
    const response = await post(call)
    const left = Number(response.headers.get('x-outcrop-budget-remaining-usd'))
    expect(left).toBeCloseTo(1 - total / DOLLAR, 6)
  })

  test('and refused upstream costs nothing', async () => {
    const { runtime, post } = await gatewayWith({ capNano: DOLLAR })
    bedrock.script(throttle())
    expect((await post(call)).status).toBe(429)
    await runtime.settled()
    const response = await post(call)
    expect(response.headers.get('x-outcrop-budget-remaining-usd')).toBe('1.000000')
  })
})

describe('a call that a budget turns away', () => {
  test('never leaves, is told why in the envelope, and leaves a row; counting tokens goes on', async () => {
    const { runtime, post } = await gatewayWith({ capNano: 0 })
    const response = await post(call)
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({
      error: { type: 'billing_error', message: expect.stringContaining('allows nothing') },
    })
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(response.headers.get('anthropic-ratelimit-unified-overage-disabled-reason')).toBe(
      'org_spend_cap_reached',
    )
    expect(bedrock.seen).toEqual([])
    await runtime.settled()
    expect(runtime.rows).toMatchObject([
      {
        id: response.headers.get('request-id'),
        status: 'refused',
        attempts: 0,
        costNano: 0,
        budgetAction: 'block',
      },
    ])
    expect((await post(call, { path: '/v1/messages/count_tokens' })).status).toBe(200)
  })
})

describe('a call that a budget sends to another model', () => {
  test('is answered by it, under its own name, with headers that say so and a row that says both', async () => {
    const step = { at: 1, action: 'step_down', model: 'claude-haiku-4-5' } as const
    const { runtime, post } = await gatewayWith({ model: 'claude-opus-*', capNano: 0, rules: [step] })
    for (const stream of [true, false]) {
      const response = await post({ ...call, stream })
      expect(response.status).toBe(200)
      expect(response.headers.get('x-outcrop-model')).toBe('claude-haiku-4-5')
      expect(response.headers.get('x-outcrop-budget-action')).toBe('step_down')
      const text = await response.text()
      expect(text).toContain('"model":"claude-haiku-4-5"')
      expect(text).not.toContain('opus')
    }
    expect(bedrock.seen.map(({ modelId }) => modelId)).toEqual([
      'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    ])
    await runtime.settled()
    expect(runtime.rows[0]).toMatchObject({
      model: 'claude-opus-5-5',
      modelId: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      budgetId: runtime.budgets[0]?.id,
      budgetAction: 'step_down',
      status: 'succeeded',
    })
  })
})
