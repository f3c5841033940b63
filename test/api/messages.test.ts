import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { keptCredentials } from '../../src/aws.ts'
import { sendBy } from '../../src/protocol/send.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { keyIn, type TestRuntime, testRuntime } from '../runtime.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

/** The app on the fake Bedrock, over the real network stack. */
async function gateway(changes: Parameters<typeof testRuntime>[0] = {}) {
  const runtime = testRuntime({
    fetch: sendBy(fetch),
    now: Date.now,
    credentials: keptCredentials(async () => ({ ...bedrock.credentials }), Date.now),
    env: { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url, AWS_ENDPOINT_URL_BEDROCK: bedrock.url },
    ...changes,
  })
  const { headers } = await keyIn(runtime)
  const post = (body: unknown, path = '/v1/messages?beta=true') =>
    app.request(
      path,
      { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) },
      runtime,
    )
  return { runtime, post, headers }
}

const hello = {
  model: 'claude-opus-5-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: '!say hello' }],
}
const rowOf = async (runtime: TestRuntime) => {
  await runtime.settled()
  expect(runtime.rows).toHaveLength(1)
  return runtime.rows[0]
}

describe('POST /v1/messages', () => {
  test("answers in one piece under the client's name for the model, and books it", async () => {
    const { runtime, post } = await gateway()
    const response = await post(hello)
    expect(response.status).toBe(200)
    const message = (await response.json()) as {
      model: string
      content: unknown
      usage: { output_tokens: number }
    }
    expect(message).toMatchObject({
      model: 'claude-opus-5-5',
      role: 'assistant',
      content: [{ type: 'text', text: 'hello' }],
    })
    expect(await rowOf(runtime)).toMatchObject({
      id: response.headers.get('request-id'),
      status: 'succeeded',
      modelId: 'us.anthropic.claude-opus-5-5',
      outputTokens: message.usage.output_tokens,
      usageSource: 'final',
      costNano: expect.any(Number),
    })
  })

  test('streams, with the name of every event, and books it', async () => {
    const { runtime, post } = await gateway()
    const response = await post({ ...hello, stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const text = await response.text()
    expect(text).toMatch(/^event: message_start\ndata: \{"type":"message_start".*"model":"claude-opus-5-5"/)
    expect(text).toMatch(/event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/)
    expect(text).not.toContain('amazon-bedrock')
    expect(await rowOf(runtime)).toMatchObject({ status: 'succeeded', stream: true, stopReason: 'end_turn' })
  })

  test('has booked an answer before its last bytes are out', async () => {
    const { runtime, post } = await gateway()
    const response = await post({ ...hello, stream: true })
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('event: message_stop'))
      text += new TextDecoder().decode((await reader?.read())?.value)
    expect(runtime.rows).toMatchObject([{ status: 'succeeded', usageSource: 'final' }])
    await reader?.cancel()
  })

  test('writes the row while the upstream is still thinking, and never makes it wait', async () => {
    const { runtime, post } = await gateway()
    bedrock.script({ kind: 'stall', at: 'before headers', ms: 1_000 })
    const response = post(hello)
    const begun = () =>
      expect(runtime.rows).toMatchObject([
        {
          status: 'pending',
          usageSource: 'estimated',
          inputTokens: expect.any(Number),
          costNano: expect.any(Number),
        },
      ])
    await vi.waitFor(begun, { timeout: 900 })
    await response
    expect(await rowOf(runtime)).toMatchObject({ status: 'succeeded' })
  })

  test('answers although the ledger does not', async () => {
    const { runtime, post } = await gateway()
    runtime.data.ledger.write = () => Promise.reject(new Error('down'))
    expect((await post(hello)).status).toBe(200)
    await runtime.settled()
  })

  test('passes on what Bedrock refuses in its first frame as an HTTP status', async () => {
    const { runtime, post } = await gateway()
    bedrock.script({
      kind: 'exception',
      name: 'throttlingException',
      message: 'Too many tokens, please wait.',
      after: 0,
    })
    const response = await post({ ...hello, stream: true })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('10')
    expect(await rowOf(runtime)).toMatchObject({
      status: 'refused',
      errorType: 'rate_limit_error',
      costNano: 0,
    })
  })

  test('signs again with fresh credentials when AWS says that these have expired, once', async () => {
    let given = 0
    const credentials = keptCredentials(async () => {
      const key = given++ === 0 ? 'AKIDOLD' : bedrock.credentials.accessKeyId
      return { ...bedrock.credentials, accessKeyId: key }
    }, Date.now)
    bedrock.expired.add('AKIDOLD')
    const { runtime, post } = await gateway({ credentials })
    expect((await post(hello)).status).toBe(200)
    expect(given).toBe(2)
    expect(await rowOf(runtime)).toMatchObject({ status: 'succeeded', attempts: 2 })
  })

  test("never blames the developer's key for the gateway's credentials", async () => {
    const credentials = keptCredentials(
      async () => ({ accessKeyId: 'AKIDWRONG', secretAccessKey: 'x' }),
      Date.now,
    )
    const { post } = await gateway({ credentials })
    const response = await post(hello)
    expect(response.status).toBe(500)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toMatchObject({
      error: { type: 'api_error', message: expect.stringContaining('Your key is fine') },
    })
  })

  test('says so when nothing listens where Bedrock should be', async () => {
    const { runtime, post } = await gateway({
      env: { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:9' },
    })
    const response = await post(hello)
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({
      error: { message: 'The gateway could not reach Amazon Bedrock.' },
    })
    expect(await rowOf(runtime)).toMatchObject({ status: 'refused', errorType: 'api_error' })
  })

  test('an unpriced model costs unknown, and the log says so', async () => {
    const { runtime, post } = await gateway()
    const model = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'
    expect((await post({ ...hello, model })).status).toBe(200)
    expect((await rowOf(runtime))?.costNano).toBeUndefined()
    expect(runtime.lines).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining('no price') }),
    )
  })

  test('keeps prompts, answers and keys out of every row and line', async () => {
    const { runtime, post, headers } = await gateway()
    const canary = 'canary-in-the-prompt'
    await (
      await post({ ...hello, stream: true, messages: [{ role: 'user', content: `!say ${canary}` }] })
    ).text()
    await post(`{"model":"${canary}","messages":"${canary}"}`)
    await post({ ...hello, messages: [{ role: canary, content: canary }] })
    await runtime.settled()
    const kept = JSON.stringify([runtime.rows, runtime.lines])
    expect(kept).not.toContain(canary)
    expect(kept).not.toContain(headers['x-api-key'])
  })
})

describe('POST /v1/messages/count_tokens', () => {
  const path = '/v1/messages/count_tokens'

  test('is exact where Bedrock counts', async () => {
    const { post } = await gateway()
    const { max_tokens: _, ...body } = { ...hello, model: 'claude-sonnet-4-5' }
    const response = await post({ ...body, thinking: { type: 'enabled', budget_tokens: 2_000 } }, path)
    expect(await response.json()).toEqual({ input_tokens: expect.any(Number) })
    expect(response.headers.get('x-outcrop-estimated')).toBe('false')
    expect(bedrock.seen.at(-1)).toMatchObject({
      operation: 'count',
      modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
      outcome: 'accepted',
    })
  })

  test('is an estimate where it does not, or fails to, and says so', async () => {
    const { post } = await gateway()
    for (const model of ['claude-opus-5-5', 'claude-sonnet-4-5']) {
      bedrock.script({ kind: 'refuse', exception: 'ThrottlingException', on: 'count' })
      const response = await post({ ...hello, model }, path)
      expect(response.status).toBe(200)
      expect(response.headers.get('x-outcrop-estimated')).toBe('true')
    }
  })

  test('finds fault with what Bedrock finds fault with', async () => {
    const { post } = await gateway()
    const response = await post(
      { ...hello, model: 'claude-sonnet-4-5', messages: [{ role: 'robot', content: 'x' }] },
      path,
    )
    expect(response.status).toBe(400)
  })
})

describe('GET /v1/models', () => {
  test("lists in Anthropic's shape, a page at a time, both ways", async () => {
    const { runtime, headers } = await gateway()
    const page = async (query: string) =>
      (await app.request(`/v1/models${query}`, { headers }, runtime)).json()
    type Page = { data: { id: string }[]; has_more: boolean; first_id: string; last_id: string }
    const all = (await page('?limit=1000')) as Page
    expect(all).toMatchObject({
      has_more: false,
      data: expect.arrayContaining([
        expect.objectContaining({
          type: 'model',
          id: 'claude-haiku-4-5-20251001',
          display_name: 'Claude Haiku 4.5',
        }),
      ]),
    })
    const ids: string[] = []
    for (let query = '?limit=5'; query; ) {
      const { data, has_more, last_id } = (await page(query)) as Page
      ids.push(...data.map(({ id }) => id))
      query = has_more ? `?limit=5&after_id=${last_id}` : ''
    }
    expect(ids).toEqual(all.data.map(({ id }) => id))
    expect(await page(`?limit=2&before_id=${ids[4]}`)).toMatchObject({
      first_id: ids[2],
      last_id: ids[3],
      has_more: true,
    })
    expect(await page('?after_id=nobody')).toMatchObject({ error: { type: 'invalid_request_error' } })
    expect(await page('?limit=0')).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  test('knows one by any of its names', async () => {
    const { runtime, headers } = await gateway()
    const one = (id: string) => app.request(`/v1/models/${id}`, { headers }, runtime)
    expect(await (await one('claude-haiku-4-5')).json()).toMatchObject({ id: 'claude-haiku-4-5-20251001' })
    expect((await one('nobody')).status).toBe(404)
  })
})

test('anything unknown becomes "Internal error": its own message goes nowhere', async () => {
  const { runtime, post } = await gateway()
  await (await post(hello)).text() // the key is known
  runtime.waitUntil = () => {
    throw new Error('params: [secret detail]')
  }
  const response = await post(hello)
  expect(response.status).toBe(500)
  expect(await response.json()).toMatchObject({ error: { type: 'api_error', message: 'Internal error' } })
  expect(JSON.stringify(runtime.lines)).not.toContain('secret detail')
})

test.each([
  ['GET', '/v1/messages', 405],
  ['DELETE', '/v1/models', 405],
  ['GET', '/nowhere', 404],
  ['POST', '/v1/v1/messages', 404],
  ['HEAD', '/api/hello', 200],
  ['GET', '/health', 200],
])('%s %s is %i, with a request id', async (method, path, status) => {
  const { runtime } = await gateway()
  const response = await app.request(path, { method }, runtime)
  expect(response.status).toBe(status)
  const id = response.headers.get('request-id')
  expect(id).toMatch(/^req_/)
  if (status >= 400) expect(await response.json()).toMatchObject({ type: 'error', request_id: id })
})
