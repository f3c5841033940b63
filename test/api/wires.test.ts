import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { keptCredentials } from '../../src/aws.ts'
import { type Send, sendBy } from '../../src/protocol/send.ts'
import { api, type Door, type FakeMessages, google, startFakeMessages } from '../fakes/messages.ts'
import { keyIn, type TestRuntime, testRuntime } from '../runtime.ts'
import { WIRES, type Wire } from './wires.ts'

const user = (content: string) => ({ role: 'user', content })
const ask = { model: 'claude-opus-5-5', max_tokens: 100, messages: [user('!say hello')] }

describe.each(WIRES)('by the wire of $door', ({ door, env, ids, signs }) => {
  let fake: FakeMessages
  beforeAll(async () => {
    fake = await startFakeMessages(door)
  })
  afterAll(() => fake.close())
  beforeEach(() => fake.reset())

  async function gateway(changes: Parameters<typeof testRuntime>[0] = {}) {
    const { credentials, secret } = fake.keys
    const runtime = testRuntime({
      fetch: sendBy(fetch),
      now: Date.now,
      credentials: keptCredentials(async () => (signs ? { ...credentials } : { bearer: secret }), Date.now),
      ...changes,
      env: { ...env(fake.url), ...changes.env },
    })
    const { headers } = await keyIn(runtime)
    const post = async (body: unknown, more: Record<string, string> = {}, path = '/v1/messages?beta=true') =>
      app.request(
        path,
        {
          method: 'POST',
          headers: { ...headers, ...more },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        },
        runtime,
      )
    return { runtime, post, headers }
  }

  test('answers in one piece, and books it', async () => {
    const { runtime, post } = await gateway()
    const response = await post(ask)
    expect(await response.json()).toMatchObject({
      model: 'claude-opus-5-5',
      content: [{ type: 'text', text: 'hello' }],
      stop_reason: 'end_turn',
    })
    expect(await rowOf(runtime)).toMatchObject({
      status: 'succeeded',
      usageSource: 'final',
      costNano: expect.any(Number),
      modelId: ids[0]?.[1],
    })
  })

  test('streams the same however the wire cuts it, without the pings of the upstream', async () => {
    const { post } = await gateway()
    const texts = new Set<string>()
    for (const split of [1, 2, 3, 5, 64, 1_000_000]) {
      fake.reset()
      fake.script({ kind: 'answer', split })
      texts.add(await (await post({ ...ask, stream: true })).text())
    }
    expect(texts.size).toBe(1)
    const [said = ''] = texts
    expect(said).toMatch(/^event: message_start\ndata: \{"type":"message_start".*"model":"claude-opus-5-5"/)
    expect(said).toMatch(/event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/)
    expect(said).not.toMatch(/event: ping|amazon-bedrock/)
  })

  test.each(ids)('asked for %s, it asks for %s', async (asked, sent) => {
    const { post } = await gateway()
    expect((await post({ ...ask, model: asked })).status).toBe(200)
    const { path = '', body } = fake.seen[0] ?? {}
    expect(door === 'vertex' ? path.split('/').at(-1)?.split(':')[0] : body?.['model']).toBe(sent)
  })

  test('keeps the headers of both sides apart', async () => {
    const { post } = await gateway()
    const response = await post(ask, {
      'x-claude-code-session-id': 'session',
      'x-forwarded-for': '192.0.2.1',
      cookie: 'a=b',
    })
    expect(response.status).toBe(200)
    expect([...response.headers.keys()].filter((name) => /organization|ratelimit/.test(name))).toEqual([])
    expect(response.headers.get('request-id')).toMatch(/^req_[0-9a-f]{32}$/)
  })

  test('sends betas in the header, and none from a body that no header can carry', async () => {
    const { post } = await gateway()
    const beta = 'context-1m-2025-08-07'
    const body = { ...ask, anthropic_version: 'bedrock-2023-05-31', anthropic_beta: ['a\r\nx-evil: 1'] }
    expect((await post(body, { 'anthropic-beta': beta })).status).toBe(200)
    expect(fake.seen[0]?.headers).toMatchObject({ 'anthropic-beta': beta })
    expect(fake.seen[0]?.body).not.toHaveProperty('anthropic_beta')
  })

  test('takes what comes by the door of InvokeModel, where the URL says model and stream', async () => {
    const { post } = await gateway()
    const { model: _, ...body } = ask
    const path = '/model/claude-opus-5-5/invoke'
    expect((await post({ ...body, anthropic_version: 'bedrock-2023-05-31' }, {}, path)).status).toBe(200)
  })

  test('a refusal is a status, with words that say what the client acts on', async () => {
    const { post } = await gateway()
    fake.script({ kind: 'refuse', no: api(400, 'invalid_request_error', 'prompt is too long: 9 > 5') })
    const response = await post(ask)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { message: 'prompt is too long: 9 > 5' } })
  })

  test('an error before the first word is a status, after it the last event', async () => {
    const { runtime, post } = await gateway()
    const data = api(529, 'overloaded_error', 'Overloaded').body
    fake.script({ kind: 'error', after: 1, data }, { kind: 'error', after: 4, data })
    expect((await post({ ...ask, stream: true })).status).toBe(529)
    const response = await post({ ...ask, stream: true })
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(
      /event: content_block_delta[\s\S]*event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error","message":"Overloaded"\}[\s\S]*\}\n\n$/,
    )
    await runtime.settled()
    expect(runtime.rows.map(({ status }) => status)).toEqual(['refused', 'failed_midstream'])
  })

  test('a stream that is cut, wherever, ends in an error', async () => {
    const { post } = await gateway()
    const whole = await (await post({ ...ask, stream: true })).text()
    for (const bytes of [0, 10, 200, Math.floor(whole.length / 2), whole.length - 40]) {
      fake.script({ kind: 'cut', bytes })
      const response = await post({ ...ask, stream: true })
      if (response.status === 200) expect(await response.text()).toMatch(/event: error\ndata: .*api_error/)
      else expect(response.status).toBe(500)
    }
  })

  test('an answer that is no stream is no answer', async () => {
    const { post } = await gateway()
    fake.script({ kind: 'refuse', no: { status: 200, body: {} } })
    const response = await post(ask)
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ error: { type: 'api_error' } })
  })

  test('a field and a beta that it refuses cost one hidden retry each', async () => {
    const { post } = await gateway()
    const objections = [
      'brand_new: Extra inputs are not permitted',
      'Unexpected value(s) `context-1m-2025-08-07` for the `anthropic-beta` header.',
    ].map((message) => ({ kind: 'refuse', no: api(400, 'invalid_request_error', message) }) as const)
    // The fakes of Bedrock refuse the field by themselves, before any script.
    fake.script(...objections.slice(door === 'runtime' || door === 'mantle' ? 1 : 0))
    const response = await post({ ...ask, brand_new: 1 }, { 'anthropic-beta': 'context-1m-2025-08-07' })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-outcrop-removed')).toMatch(/brand_new/)
    expect(fake.seen).toHaveLength(3)
    expect(fake.seen.at(-1)?.body).not.toHaveProperty('brand_new')
    expect(fake.seen.at(-1)?.headers).not.toHaveProperty('anthropic-beta')
  })

  test("the gateway's own credentials are never the developer's fault", async () => {
    const wrong = async () =>
      signs ? { accessKeyId: 'AKIDWRONG', secretAccessKey: 'x' } : { bearer: 'wrong-secret' }
    let asked = 0
    const credentials = keptCredentials(() => {
      asked++
      return wrong()
    }, Date.now)
    const { post } = await gateway({ credentials })
    const response = await post(ask)
    expect(response.status).toBe(500)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toMatchObject({
      error: { type: 'api_error', message: expect.stringContaining('Your key is fine') },
    })
    expect(asked).toBe(2)
  })

  test('a network fault names the upstream', async () => {
    const { post } = await gateway({ env: env('http://127.0.0.1:9') })
    expect(await (await post(ask)).json()).toMatchObject({
      error: { type: 'api_error', message: expect.stringMatching(/^The gateway could not reach /) },
    })
  })

  test('an upstream that does not answer in time is too slow', async () => {
    const slow: Send = (_, init) =>
      new Promise((_resolve, reject) => {
        const { signal } = init ?? {}
        if (signal?.aborted) reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    const { runtime, post } = await gateway({ fetch: slow })
    runtime.config = { ...runtime.config, limits: { ...runtime.config.limits, firstByteAfter: 20 } }
    expect((await post(ask)).status).toBe(504)
  })

  test('lists the models that it can be asked for', async () => {
    const { runtime, headers } = await gateway()
    const response = await app.request('/v1/models?limit=1000', { headers }, runtime)
    const { data } = (await response.json()) as { data: { id: string }[] }
    expect(data.map(({ id }) => id)).toContain('claude-opus-5-5')
  })

  test('counts tokens exactly, where it can', async () => {
    const { post } = await gateway()
    const path = '/v1/messages/count_tokens'
    const response = await post(ask, {}, path)
    const exact = door !== 'runtime'
    expect(response.headers.get('x-outcrop-estimated')).toBe(String(!exact))
    expect(await response.json()).toEqual({ input_tokens: expect.any(Number) })
    expect(fake.seen.map(({ outcome }) => outcome)).toEqual(exact ? ['accepted'] : [])
  })
})

describe('what only some wires have', () => {
  async function on(door: Door, runtime: (url: string) => TestRuntime) {
    const fake = await startFakeMessages(door)
    const lent = runtime(fake.url)
    const { headers } = await keyIn(lent)
    const post = async (body: unknown) =>
      app.request('/v1/messages', { method: 'POST', headers, body: JSON.stringify(body) }, lent)
    return { fake, post }
  }
  const wireOf = (door: Door) => WIRES.find((wire) => wire.door === door) as Wire
  const runtimeFor =
    (door: Door, credentials: Parameters<typeof keptCredentials>[0]) =>
    (url: string): TestRuntime =>
      testRuntime({
        fetch: sendBy(fetch),
        now: Date.now,
        credentials: keptCredentials(credentials, Date.now),
        env: wireOf(door).env(url),
      })

  test.each(['runtime', 'mantle'] as const)('%s takes a Bedrock API key', async (door) => {
    const { fake, post } = await on(
      door,
      runtimeFor(door, async () => ({ bearer: 'not-a-secret' })),
    )
    expect((await post(ask)).status).toBe(200)
    await fake.close()
  })

  test.each(['anthropic', 'platform'] as const)(
    'what the client streams arrives at %s byte for byte',
    async (door) => {
      const { signs } = wireOf(door)
      const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
      const lent = runtimeFor(door, async () => (signs ? keys : { bearer: 'not-a-secret' }))
      const fake = await startFakeMessages(door)
      const runtime = lent(fake.url)
      const { headers } = await keyIn(runtime)
      const body =
        '{ "model":"claude-opus-5-5","max_tokens": 99 ,"stream":true,"future":{"n":12345678901234567890,"x":1.0},' +
        '"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1"}],"metadata":{"user_id":"{\\"a\\":1}"},' +
        '"temperature":0.5,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"\\u0068i"}]}'
      const response = await app.request('/v1/messages', { method: 'POST', headers, body }, runtime)
      expect(response.status).toBe(200)
      expect(fake.seen[0]?.bytes.toString()).toBe(body)
      await fake.close()
    },
  )

  test('an operation that the runtime does not know is answered 200, and is an error all the same', async () => {
    const { fake: runtime, post } = await on(
      'runtime',
      runtimeFor('runtime', async () => ({ bearer: 'not-a-secret' })),
    )
    runtime.script({
      kind: 'refuse',
      no: {
        status: 200,
        body: { Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' },
      },
    })
    const response = await post(ask)
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('BEDROCK_WIRE=invoke') },
    })
    await runtime.close()
  })

  test('an ARN is refused in words where there are none', async () => {
    const { fake, post } = await on(
      'mantle',
      runtimeFor('mantle', async () => ({ bearer: 'not-a-secret' })),
    )
    const response = await post({
      ...ask,
      model: 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123',
    })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('ARN') } })
    expect(fake.seen).toEqual([])
    await fake.close()
  })

  test('Google says nothing of its project to a developer, over HTTP or in a stream', async () => {
    const { fake, post } = await on(
      'vertex',
      runtimeFor('vertex', async () => ({ bearer: 'not-a-secret' })),
    )
    const message = "Publisher Model 'projects/some-project/locations/global/x' in some-project is wrong"
    const no = google(400, 'INVALID_ARGUMENT', message)
    fake.script({ kind: 'refuse', no }, { kind: 'error', after: 4, data: no.body })
    expect(await (await post(ask)).text()).not.toContain('some-project')
    expect(await (await post({ ...ask, stream: true })).text()).not.toContain('some-project')
    await fake.close()
  })

  test('a model that came out today is asked of Anthropic, and its cost is unknown', async () => {
    const { fake, post } = await on(
      'anthropic',
      runtimeFor('anthropic', async () => ({ bearer: 'not-a-secret' })),
    )
    const response = await post({ ...ask, model: 'claude-quartz-7' })
    expect(fake.seen[0]?.body['model']).toBe('claude-quartz-7')
    expect(await response.json()).toMatchObject({ error: { type: 'not_found_error' } })
    expect((await post({ ...ask, model: 'us.anthropic.claude-opus-5-5' })).status).toBe(404)
    expect(fake.seen).toHaveLength(1)
    await fake.close()
  })
})

async function rowOf(runtime: TestRuntime) {
  await runtime.settled()
  expect(runtime.rows).toHaveLength(1)
  return runtime.rows[0]
}
