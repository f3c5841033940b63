import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { forgetPrices } from '../../src/gateway/prices.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

const arn = (name: string) => `arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/${name}`

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock({
    profiles: {
      here: 'anthropic.claude-sonnet-4-6',
      america: 'anthropic.claude-sonnet-4-6',
      anywhere: 'anthropic.claude-haiku-5-5',
    },
    reach: { america: ['us-east-1', 'us-west-2'], anywhere: ['us-east-1', ''] },
  })
})
afterEach(() => bedrock.reset())
afterAll(() => bedrock.close())

const hello = { model: 'claude-opus-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] }

async function say({ runtime, post }: TestGateway, model: string, stream = false) {
  const response = await post({ ...hello, model, stream })
  const text = await response.text()
  await runtime.settled()
  return { status: response.status, text, row: runtime.rows.at(-1) }
}

/** What the fake says it used, in micro-dollars at these rates. */
function micros({ input, output }: { input: number; output: number }): number {
  const usage = bedrock.seen.at(-1)?.usage as { input_tokens: number; output_tokens: number }
  return usage.input_tokens * input + usage.output_tokens * output
}

describe('an application inference profile', () => {
  test.each([
    ['here', 'region', { input: 3.3, output: 16.5 }],
    ['america', 'us', { input: 3.3, output: 16.5 }],
    ['anywhere', 'global', { input: 0.1, output: 0.5 }],
  ])("'%s' costs what its model costs in %s, and is asked about once", async (name, _, rates) => {
    const gateway = await gatewayOn(bedrock)
    for (const stream of [false, true]) {
      const { status, row } = await say(gateway, arn(name), stream)
      expect(status).toBe(200)
      expect(row?.modelId).toBe(arn(name))
      expect(row?.costNano).toBe(Math.round(micros(rates) * 1_000))
      expect(row?.costNano).toBeGreaterThan(0)
    }
    expect(bedrock.asked).toEqual([`/inference-profiles/${encodeURIComponent(arn(name))}`])
  })

  test('that AWS does not tell of costs unknown, not nothing, and is asked about again after a minute', async () => {
    const gateway = await gatewayOn(bedrock)
    const { runtime } = gateway
    for (let call = 0; call < 3; call++) {
      const { status, row } = await say(gateway, arn('hidden'))
      expect([status, row?.costNano]).toEqual([200, undefined])
    }
    expect(bedrock.asked).toHaveLength(1)
    runtime.clock.now += 60_000
    await say(gateway, arn('hidden'))
    expect(bedrock.asked).toHaveLength(2)
    const lines = runtime.lines.filter(({ message }) => message.includes('no price is known'))
    expect(lines).toHaveLength(1)
  })

  test('is no way around what a key may use', async () => {
    const gateway = await gatewayOn(bedrock)
    const { runtime } = gateway
    for (const key of runtime.keys) key.models = ['claude-haiku-*', 'arn:*anywhere', 'arn:*hidden']
    expect((await say(gateway, arn('anywhere'))).status).toBe(200)
    const refused = await say(gateway, arn('here'))
    expect(refused.status).toBe(400)
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'policy_blocked' } })
  })

  test('names that are made up are not looked up without end', async () => {
    const gateway = await gatewayOn(bedrock)
    for (let number = 0; number < 70; number++) await say(gateway, arn(`made${number}`))
    expect(bedrock.asked).toHaveLength(60)
  })
})

describe('what has no price', () => {
  const blocking = async () => {
    const gateway = await gatewayOn(bedrock)
    await gateway.runtime.data.settings.put('organisation', { unpriced: 'block' })
    forgetPrices(gateway.runtime)
    return gateway
  }

  test('is refused before it is sent, where the organisation wants that, with what an admin must do', async () => {
    const gateway = await blocking()
    const { status, text } = await say(gateway, arn('hidden'))
    expect(status).toBe(400)
    expect(JSON.parse(text).error).toEqual({
      type: 'policy_blocked',
      message:
        `No price is known here for the model '${arn('hidden')}', and this gateway does not serve what it cannot ` +
        'price. An admin can set its price (POST /admin/prices) or allow unpriced use (unpriced: allow, of the ' +
        'organisation).',
    })
    expect(bedrock.seen).toEqual([])
    expect((await say(gateway, 'claude-opus-5-5')).status).toBe(200)
    expect((await say(gateway, arn('here'))).status).toBe(200)
  })

  test('is served again once it has one', async () => {
    const gateway = await blocking()
    const { runtime } = gateway
    const now = new Date(runtime.clock.now)
    await runtime.data.prices.create([
      {
        id: 'price_1',
        provider: 'bedrock',
        model: arn('hidden'),
        regionClass: 'region',
        tier: '',
        from: '2026-01-01',
        rates: { input: 1_000_000, output: 2_000_000, cacheRead: 100_000 },
        long: null,
        source: 'admin',
        createdBy: null,
        createdAt: now,
        archivedAt: null,
      },
    ])
    forgetPrices(runtime)
    const { status, row } = await say(gateway, arn('hidden'))
    expect(status).toBe(200)
    expect(row?.costNano).toBe(micros({ input: 1, output: 2 }) * 1_000)
  })

  test('cannot be told while the database never answered; what is shipped is served', async () => {
    const gateway = await gatewayOn(bedrock)
    const { data } = gateway.runtime
    data.prices.live = () => Promise.reject(new Error('away'))
    const refused = await say(gateway, arn('hidden'))
    expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('cannot look up the price')])
    const { status, row } = await say(gateway, 'claude-opus-5-5')
    expect([status, row?.costNano]).toEqual([200, Math.round(micros({ input: 4.4, output: 22 }) * 1_000)])
  })
})

test('prices are asked of the database once a minute at most, by whoever calls', async () => {
  const gateway = await gatewayOn(bedrock)
  const { data, clock } = gateway.runtime
  const { live } = data.prices
  let asked = 0
  data.prices.live = (most) => {
    asked++
    return live(most)
  }
  for (let call = 0; call < 5; call++) await say(gateway, 'claude-opus-5-5')
  expect(asked).toBe(1)
  clock.now += 59_000
  await say(gateway, 'claude-opus-5-5')
  expect(asked).toBeLessThanOrEqual(2)
})
