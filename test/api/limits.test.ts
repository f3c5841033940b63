/** Limits as a client meets them: the headers of an answer, the refusal at every door, and what comes back. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { throttle } from '../fakes/steps.ts'
import { ADMIN_TOKEN, type TestRuntime } from '../runtime.ts'
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

async function limitedGateway(limits: object) {
  const gateway = await gatewayOn(bedrock)
  const change = await setLimits(gateway.runtime, limits)
  expect(change.status).toBe(200)
  return gateway
}

function setLimits(runtime: TestRuntime, limits: object): Response | Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ limits })
  return app.request(`/admin/keys/${runtime.keys[0]?.id}`, { method: 'PATCH', headers, body }, runtime)
}

const figure = (response: Response, name: string) =>
  Number(response.headers.get(`anthropic-ratelimit-${name}`))

describe('a key with limits', () => {
  test('is told how they stand, with streams and without', async () => {
    const { post, runtime } = await limitedGateway({ requests_per_minute: 50, tokens_per_minute: 10_000 })
    for (const [index, stream] of [true, false].entries()) {
      const response = await post({ ...call, stream })
      expect(response.status).toBe(200)
      expect(figure(response, 'requests-limit')).toBe(50)
      expect(figure(response, 'requests-remaining')).toBe(49 - index)
      expect(figure(response, 'tokens-limit')).toBe(10_000)
      expect(figure(response, 'tokens-remaining')).toBeLessThan(10_000)
      for (const name of ['requests', 'tokens']) {
        const reset = response.headers.get(`anthropic-ratelimit-${name}-reset`) ?? ''
        expect(reset).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        expect(Date.parse(reset)).toBeGreaterThan(Date.now() - 1_000)
      }
      await response.text()
    }
    await runtime.settled()
    const rows = runtime.rows.filter(({ status }) => status === 'succeeded')
    const counted = rows.reduce((sum, row) => sum + (row.inputTokens ?? 0) + (row.outputTokens ?? 0), 0)
    expect(counted).toBeGreaterThan(0)
    const next = await post(call)
    expect(figure(next, 'tokens-remaining')).toBeLessThanOrEqual(10_000 - counted)
  })

  test('is refused in the envelope when they are used up, and nobody upstream is asked', async () => {
    const { post, runtime } = await limitedGateway({ requests_per_minute: 1 })
    expect((await post(call)).status).toBe(200)
    const seen = bedrock.seen.length
    const response = await post(call)
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: {
        type: 'rate_limit_error',
        message: expect.stringMatching(/limit of 1 requests a minute\. Try again in \d+ seconds/),
      },
    })
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(response.headers.get('x-should-retry')).toBeNull()
    expect(figure(response, 'requests-remaining')).toBe(0)
    expect(bedrock.seen).toHaveLength(seen)
    await runtime.settled()
    expect(runtime.rows).toHaveLength(1)
  })

  test("is throttled at Bedrock's own door in Bedrock's words", async () => {
    const { post } = await limitedGateway({ requests_per_minute: 1 })
    const { model, ...rest } = call
    const invocation = { ...rest, anthropic_version: 'bedrock-2023-05-31' }
    const ask = () => post(invocation, { path: '/model/us.anthropic.claude-opus-5/invoke' })
    expect((await ask()).status).toBe(200)
    const response = await ask()
    expect(response.status).toBe(429)
    expect(response.headers.get('x-amzn-errortype')).toBe('ThrottlingException')
  })

  test('gets the tokens of a call back that upstream refused', async () => {
    const { post, runtime } = await limitedGateway({ tokens_per_minute: 1_000 })
    bedrock.script(throttle())
    expect((await post(call)).status).toBe(429)
    await runtime.settled()
    const response = await post(call)
    expect(response.status).toBe(200)
    const one = Math.ceil(JSON.stringify(call).length / 4)
    expect(figure(response, 'tokens-remaining')).toBe(1_000 - one)
  })

  test('counts tokens without being counted', async () => {
    const { post } = await limitedGateway({ requests_per_minute: 1 })
    for (let count = 0; count < 3; count++) {
      const counted = await post(call, { path: '/v1/messages/count_tokens' })
      expect(counted.status).toBe(200)
    }
  })

  test('that is freed of them works at once, and hears no more of them', async () => {
    const { post, runtime } = await limitedGateway({ requests_per_minute: 1 })
    await post(call)
    expect((await post(call)).status).toBe(429)
    await setLimits(runtime, { requests_per_minute: null })
    const response = await post(call)
    expect(response.status).toBe(200)
    expect([...response.headers.keys()].filter((name) => name.startsWith('anthropic-ratelimit'))).toEqual([])
  })
})
