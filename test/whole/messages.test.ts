/** What a caller gets and what the ledger keeps: whole answers and streams, counts, names, and the small paths. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { answer, say } from '../fakes/steps.ts'
import { ask, type Body, eventsIn, expectRefusal, hello, MODEL, said } from './caller.ts'
import { type Gateway, type SpendRow, startGateway } from './gateway.ts'

let fake: FakeBedrock
let gateway: Gateway
let key: string
let keyId: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  gateway = await startGateway({ bedrock: fake })
})
/** A key a test, so that its rows are its own. */
beforeEach(async () => {
  fake.reset()
  const made = await gateway.makeKey()
  key = made.key
  keyId = made.id
})
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

const send = (body: Body, headers = {}) => ask(gateway, body, { 'x-api-key': key, ...headers })

async function row(): Promise<SpendRow> {
  const [only] = await gateway.settled(1, { key: keyId })
  if (!only) throw new Error('There is no row.')
  return only
}

/** The buckets of the ledger for what the fake says it counted. */
function bucketsOf(usage: unknown) {
  const counted = usage as Record<string, number> & {
    cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number }
  }
  return {
    input: counted['input_tokens'],
    cache_read: counted['cache_read_input_tokens'],
    cache_write_5m: counted.cache_creation.ephemeral_5m_input_tokens,
    cache_write_1h: counted.cache_creation.ephemeral_1h_input_tokens,
    output: counted['output_tokens'],
  }
}

describe('an answer', () => {
  test('in one piece: the model is the one asked for, nothing of Bedrock is left, the ledger agrees', async () => {
    const response = await send(said('!say one two three'))
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    expect(text).not.toContain('amazon-bedrock')
    const message = JSON.parse(text)
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [{ type: 'text', text: 'one two three' }],
      stop_reason: 'end_turn',
      usage: fake.seen[0]?.usage,
    })
    expect(await row()).toMatchObject({
      id: response.headers.get('request-id'),
      status: 'succeeded',
      model: MODEL,
      model_id: `us.anthropic.${MODEL}`,
      provider: 'bedrock',
      upstream: 'default',
      region: 'us-east-1',
      stream: false,
      attempts: 1,
      usage: bucketsOf(fake.seen[0]?.usage),
      usage_source: 'final',
      stop_reason: 'end_turn',
      error_type: null,
    })
  })

  test('as a stream: every event with its line, in order, and the ledger agrees', async () => {
    const response = await send(said('!long 20', { stream: true }))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const text = await response.text()
    expect(text).not.toContain('amazon-bedrock')
    const events = eventsIn(text)
    for (const { name, data } of events) expect(data.type).toBe(name)
    expect(events.map(({ name }) => name)).toEqual([
      'message_start',
      'content_block_start',
      ...Array(20).fill('content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events[0]?.data).toMatchObject({ message: { model: MODEL, usage: { output_tokens: 1 } } })
    expect(events.at(-1)?.data).toEqual({ type: 'message_stop' })
    const written = await row()
    expect(written).toMatchObject({
      id: response.headers.get('request-id'),
      status: 'succeeded',
      stream: true,
      usage: bucketsOf(fake.seen[0]?.usage),
      usage_source: 'final',
    })
    expect(written.first_byte_ms).toBeLessThanOrEqual(written.duration_ms ?? -1)
  })

  test('says the same whether the wire is cut at every byte or everything comes at once', async () => {
    const texts: string[] = []
    for (const manner of [{}, { split: 1 }, { merge: true }]) {
      fake.script(answer({ ...manner, reply: { content: [{ type: 'text', text: 'naïve 漢字 🪨' }] } }))
      const response = await send(said('x', { stream: true }))
      texts.push((await response.text()).replaceAll(/msg_bdrk_\d+/g, 'msg'))
    }
    expect(texts[1]).toBe(texts[0])
    expect(texts[2]).toBe(texts[0])
    expect(texts[0]).toContain('naïve 漢字 🪨')
  })

  test.each([false, true])('keeps every digit of a tool call (stream: %s)', async (stream) => {
    const input = '{"big":12345678901234567890,"one":1.0,"far":1e400}'
    fake.script(say({ content: [{ type: 'tool_use', name: 'lookup', input }] }))
    const text = await (await send(hello({ stream }))).text()
    const parts = eventsIn(stream ? text : '').flatMap(({ data }) => partialJson(data))
    expect(stream ? parts.join('') : text).toContain(input)
    expect(await row()).toMatchObject({ stop_reason: 'tool_use' })
  })

  test('comes as it is spoken, not when it is over', async () => {
    fake.script({ kind: 'stall', at: 3 })
    const response = await send(said('!say one', { stream: true }))
    const reader = response.body?.getReader()
    let heard = ''
    while (!heard.includes('"one"')) heard += new TextDecoder().decode((await reader?.read())?.value)
    expect(eventsIn(heard)).toHaveLength(3)
    await reader?.cancel()
  })
})

function partialJson(data: Body): string[] {
  const delta = data['delta'] as { partial_json?: string } | undefined
  return delta?.partial_json === undefined ? [] : [delta.partial_json]
}

describe('the cost', () => {
  /** Opus 5.5: $4 in, $20 out, $0.20 read, writes at 1.25 and 2 times in, in dollars a million; in the US 10 % more. */
  const usage = {
    input_tokens: 1_000,
    cache_read_input_tokens: 2_000,
    cache_creation_input_tokens: 300,
    cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
    output_tokens: 400,
  }
  const GLOBAL = 4_000_000 + 8_000_000 + 400_000 + 500_000 + 1_600_000
  const reply = { content: [{ type: 'text', text: 'x' }] as const, usage }

  test.each([false, true])('is right to the nano-dollar (stream: %s)', async (stream) => {
    fake.script(say(reply))
    await (await send(hello({ stream }))).text()
    expect(await row()).toMatchObject({ usage: bucketsOf(usage), cost_nano: (GLOBAL * 11) / 10 })
  })

  test('is ten per cent less where the request may run anywhere', async () => {
    fake.script(say(reply))
    await (await send(hello({ model: 'global.anthropic.claude-opus-5-5' }))).text()
    expect(await row()).toMatchObject({ cost_nano: GLOBAL })
  })

  test('of Haiku 5.5 depends on the length of the whole prompt', async () => {
    const model = 'global.anthropic.claude-haiku-5-5'
    for (const [input_tokens, cost] of [
      [100_000, 100_000 * 100 + 1_000 * 500],
      [100_001, 100_001 * 500 + 1_000 * 2_500],
    ] as const) {
      const made = await gateway.makeKey()
      fake.script(say({ ...reply, usage: { ...NOTHING, input_tokens, output_tokens: 1_000 } }))
      await (await ask(gateway, hello({ model }), { 'x-api-key': made.key })).text()
      expect(await gateway.settled(1, { key: made.id })).toMatchObject([{ cost_nano: cost }])
    }
  })

  test('of a model that nobody knows the price of is unknown, not nothing, and the log says so', async () => {
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'
    const response = await send(hello({ model: arn }))
    expect(response.status).toBe(200)
    expect(await row()).toMatchObject({ status: 'succeeded', cost_nano: null })
    const line = new RegExp(`no price is known.*${response.headers.get('request-id')}`)
    await expect.poll(() => gateway.stdout()).toMatch(line)
  })
})

const NOTHING = {
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
}

describe('names', () => {
  const good: [asked: string, sent: string][] = [
    ['claude-opus-5-5[1m]', 'us.anthropic.claude-opus-5-5'],
    ['claude-haiku-4-5', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['claude-haiku-4-5-20251001', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['claude-sonnet-5-5-20260928', 'us.anthropic.claude-sonnet-5-5'],
    ['us.anthropic.claude-opus-5-5', 'us.anthropic.claude-opus-5-5'],
    ['global.anthropic.claude-opus-5-5', 'global.anthropic.claude-opus-5-5'],
    ['anthropic.claude-sonnet-4-6', 'anthropic.claude-sonnet-4-6'],
    ...['/', '%2F', '%2f'].map((slash): [string, string] => [
      `arn:aws:bedrock:us-east-1:123456789012:inference-profile${slash}us.anthropic.claude-opus-5-5`,
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5',
    ]),
  ]
  test.each(good)('%s is understood', async (model, sent) => {
    const response = await send(hello({ model }))
    expect(await response.json()).toMatchObject({ type: 'message', model })
    expect(fake.seen[0]).toMatchObject({ modelId: sent, outcome: 'accepted' })
    expect(await row()).toMatchObject({ model, model_id: sent, status: 'succeeded' })
  })

  test.each([
    'claude-haiku-4-5-20250101',
    'eu.anthropic.claude-opus-5-5',
    'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-5-5',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/../../x',
    'arn:aws:s3:::bucket',
  ])('%s is nothing of ours', async (model) => {
    await expectRefusal(await send(hello({ model })), 404, 'not_found_error', /Available: claude-/)
    expect(fake.seen).toEqual([])
  })
})
