/** The official SDK, pointed at the gateway: it must not notice that this is not Anthropic's API. */
import Anthropic, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { slow, throttle } from '../fakes/steps.ts'
import { useStage } from './stage.ts'

const stage = useStage()

function client(options: { apiKey?: string; authToken?: string } = {}): Anthropic {
  const apiKey = options.authToken === undefined ? (options.apiKey ?? stage().key) : null
  const authToken = options.authToken ?? null
  return new Anthropic({ baseURL: stage().gateway.url, apiKey, authToken, maxRetries: 0 })
}

const HELLO = {
  model: 'claude-sonnet-5-5',
  max_tokens: 1_024,
  messages: [{ role: 'user' as const, content: 'Greet the marmots' }],
}
const COUNT_TOOL = {
  name: 'count',
  description: 'Counts',
  input_schema: { type: 'object' as const, properties: { n: { type: 'integer' } }, required: ['n'] },
}

describe('messages', () => {
  test('a message', async () => {
    const message = await client().messages.create(HELLO)
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-5-5',
      stop_reason: 'end_turn',
    })
    expect(message.content[0]).toMatchObject({
      type: 'text',
      text: expect.stringContaining('Greet the marmots'),
    })
    expect(message._request_id).toMatch(/./)
    expect(JSON.stringify(message)).not.toContain('amazon-bedrock')
    expect(stage().fake.seen.map(({ operation }) => operation)).toEqual(['stream'])
    expect(await stage().ledger(1)).toMatchObject([
      {
        status: 'succeeded',
        usage: { input: message.usage.input_tokens, output: message.usage.output_tokens },
      },
    ])
  })

  test('a stream, event by event and as a whole', async () => {
    const stream = client().messages.stream({ ...HELLO, thinking: { type: 'adaptive' } })
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    const message = await stream.finalMessage()
    expect(types[0]).toBe('message_start')
    expect(types.at(-1)).toBe('message_stop')
    expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text'])
    expect(message.model).toBe('claude-sonnet-5-5')
    expect(message.usage.output_tokens).toBeGreaterThan(1)
  })

  test('a tool, called and answered, with thinking in between', async () => {
    const ask = { ...HELLO, tools: [COUNT_TOOL], thinking: { type: 'adaptive' as const } }
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: '!call count {"n":3}' }]
    const first = await client()
      .messages.stream({ ...ask, messages })
      .finalMessage()
    const use = first.content.find((block) => block.type === 'tool_use')
    expect(use).toMatchObject({ name: 'count', input: { n: 3 } })
    messages.push({ role: 'assistant', content: first.content })
    messages.push({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: use?.id ?? '', content: 'three' }],
    })
    const second = await client().messages.create({ ...ask, messages })
    expect(second.content.at(-1)).toMatchObject({ type: 'text', text: 'count said: three' })
  })

  test('a number of twenty digits passes both ways', async () => {
    const digits = '12345678901234567890'
    const messages = [{ role: 'user' as const, content: `!call count {"n":${digits}}` }]
    const body = { ...HELLO, messages, tools: [COUNT_TOOL] }
    expect(await (await client().messages.create(body).asResponse()).text()).toContain(`"n":${digits}`)
    const stream = await (
      await client()
        .messages.create({ ...body, stream: true })
        .asResponse()
    ).text()
    const pieces = [...stream.matchAll(/"partial_json":"((?:[^"\\]|\\.)*)"/g)].map(([, json]) =>
      JSON.parse(`"${json}"`),
    )
    expect(pieces.join('')).toBe(`{"n":${digits}}`)
  })

  test('a bearer is as good as an API key', async () => {
    expect(await client({ authToken: stage().key }).messages.create(HELLO)).toMatchObject({ type: 'message' })
  })

  test('what the caller leaves is left upstream', async () => {
    stage().fake.script(slow(20))
    const stream = client().messages.stream({ ...HELLO, messages: [{ role: 'user', content: '!long 2000' }] })
    setTimeout(() => stream.abort(), 300)
    await expect(stream.done()).rejects.toBeInstanceOf(APIUserAbortError)
    await expect.poll(() => stage().fake.seen[0]?.closedEarly, { timeout: 1_000, interval: 10 }).toBe(true)
  })
})

describe('refusals', () => {
  test('an unknown key', async () => {
    const error = await client({ apiKey: 'oc_unknown' })
      .messages.create(HELLO)
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error).toMatchObject({ status: 401, type: 'authentication_error', requestID: expect.any(String) })
  })

  test('an unknown model', async () => {
    const error = await client()
      .messages.create({ ...HELLO, model: 'claude-nobody-9' })
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({ status: 404, type: 'not_found_error' })
  })

  test('throttled', async () => {
    stage().fake.script(throttle())
    const error = await client()
      .messages.create(HELLO)
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(RateLimitError)
    const after = error instanceof RateLimitError ? Number(error.headers.get('retry-after')) : 0
    expect(after).toBeGreaterThan(0)
    expect(after).toBeLessThanOrEqual(60)
  })

  test('a broken stream is an error, never a short answer', async () => {
    stage().fake.script({ kind: 'end', events: 3 })
    await expect(client().messages.stream(HELLO).finalMessage()).rejects.toThrow()
    stage().fake.script({ kind: 'exception', name: 'throttlingException', after: 3 })
    await expect(client().messages.stream(HELLO).finalMessage()).rejects.toThrow(/Too many tokens/)
  })

  test('what Bedrock finds wrong is said in its words', async () => {
    stage().fake.script({
      kind: 'refuse',
      exception: 'ValidationException',
      message: 'prompt is too long: 2 tokens > 1 maximum',
    })
    const error = await client()
      .messages.create(HELLO)
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(String(error)).toContain('prompt is too long: 2 tokens > 1 maximum')
  })
})

describe('around messages', () => {
  test('tokens are counted, or honestly not', async () => {
    const { max_tokens: _, ...body } = HELLO
    const counted = await client()
      .messages.countTokens({ ...body, model: 'claude-sonnet-4-6' })
      .catch((caught: unknown) => caught)
    expect(counted).toMatchObject({ input_tokens: expect.any(Number) })
  })

  test('models are listed', async () => {
    const ids: string[] = []
    for await (const model of client().models.list()) ids.push(model.id)
    expect(ids).toEqual(expect.arrayContaining(['claude-opus-5-5', 'claude-sonnet-5-5']))
    expect(await client().models.retrieve('claude-opus-5-5')).toMatchObject({
      id: 'claude-opus-5-5',
      type: 'model',
    })
  })
})
