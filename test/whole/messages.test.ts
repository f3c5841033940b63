/** What the ledger keeps of an answer: its cost, to the nano-dollar; and by which names models are asked for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { say } from '../fakes/steps.ts'
import { bucketsOf } from './buckets.ts'
import { ask, type Body, expectRefusal, hello } from './caller.ts'
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
