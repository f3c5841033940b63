import { describe, expect, test } from 'vitest'
import { modelsFor, route } from '../../src/gateway/route.ts'
import { callOf } from '../providers/call.ts'
import { ANYONE, testRuntime } from '../runtime.ts'

const rule = (models: string[] | null, deniedModels: string[] | null = null) => ({ models, deniedModels })

async function routed(model: string, env: Record<string, string> = {}, principal = ANYONE) {
  const call = await callOf({ model, max_tokens: 10, messages: [] })
  return (await route(testRuntime({ env }), principal, call)).routes[0]
}
const idOf = async (model: string, env?: Record<string, string>) => (await routed(model, env)).modelId

describe('a name', () => {
  test.each([
    ['us-east-1', 'us.anthropic.claude-opus-5-5'],
    ['us-west-2', 'us.anthropic.claude-opus-5-5'],
    ['eu-central-1', 'eu.anthropic.claude-opus-5-5'],
    ['us-gov-west-1', 'us-gov.anthropic.claude-opus-5-5'],
    ['ap-northeast-1', 'jp.anthropic.claude-opus-5-5'],
    ['ap-southeast-2', 'au.anthropic.claude-opus-5-5'],
    ['ap-southeast-1', 'global.anthropic.claude-opus-5-5'],
    ['ca-central-1', 'global.anthropic.claude-opus-5-5'],
    ['sa-east-1', 'global.anthropic.claude-opus-5-5'],
  ])('in %s is served by %s', async (AWS_REGION, id) => {
    expect(await idOf('claude-opus-5-5', { AWS_REGION })).toBe(id)
  })

  test('is served by the profile that the operator chose', async () => {
    expect(
      await routed('claude-opus-5-5', { AWS_REGION: 'eu-west-1', BEDROCK_PROFILE: 'global' }),
    ).toMatchObject({
      modelId: 'global.anthropic.claude-opus-5-5',
      regionClass: 'global',
    })
  })

  test('may carry [1m] or a date', async () => {
    expect(await idOf('claude-sonnet-4-5-20250929[1m]')).toBe('us.anthropic.claude-sonnet-4-5-20250929-v1:0')
    expect(await idOf('claude-opus-4-6-20260205')).toBe('us.anthropic.claude-opus-4-6-v1')
  })

  test("may be Bedrock's own, within the geography or asking to leave it", async () => {
    for (const id of [
      'us.anthropic.claude-opus-5-5',
      'global.anthropic.claude-opus-5-5',
      'anthropic.claude-opus-5-5',
    ]) {
      expect(await idOf(id)).toBe(id)
    }
    await expect(routed('eu.anthropic.claude-opus-5-5')).rejects.toMatchObject({ type: 'not_found_error' })
  })

  test('may be an ARN of this region', async () => {
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'
    expect(await routed(arn)).toMatchObject({ modelId: arn, model: undefined, regionClass: 'region' })
    expect(await idOf(arn.replace('/', '%2F'))).toBe(arn)
    const system = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5'
    expect(await routed(system)).toMatchObject({ regionClass: 'us', model: { name: 'claude-opus-5-5' } })
    for (const wrong of [
      arn.replace('us-east-1', 'us-west-2'),
      `${arn}/../x`,
      arn.replace('bedrock', 's3'),
      'arn:',
    ]) {
      await expect(routed(wrong)).rejects.toMatchObject({ type: 'not_found_error' })
    }
  })

  test('that nobody has is refused by naming those there are, never by a near one', async () => {
    const refusal = {
      type: 'not_found_error',
      message: expect.stringContaining('Available: claude-fable-5-2, '),
    }
    for (const name of ['claude-opus-4', 'gpt-5', 'claude-opus-5-6', 'x'.repeat(10_000)]) {
      await expect(routed(name)).rejects.toMatchObject(refusal)
    }
  })

  test('that the geography lacks is not taken elsewhere in silence', async () => {
    await expect(routed('claude-fable-5-2', { AWS_REGION: 'eu-west-1' })).rejects.toThrow(
      "to leave that, ask for 'global.anthropic.claude-fable-5-2'",
    )
  })

  test('without a region goes nowhere, and says what to set', async () => {
    await expect(routed('claude-opus-5-5', { AWS_REGION: '' })).rejects.toMatchObject({
      type: 'api_error',
      message: expect.stringContaining('AWS_REGION'),
      retry: false,
    })
  })
})

describe('a name with an upstream in front', () => {
  const both = { UPSTREAM: 'bedrock,anthropic', ANTHROPIC_API_KEY: 'not-a-secret' }

  test('goes to that one; any other to the first', async () => {
    expect(await routed('anthropic/claude-opus-5', both)).toMatchObject({
      modelId: 'claude-opus-5',
      upstream: { id: 'anthropic', provider: 'anthropic' },
    })
    for (const name of ['claude-opus-5', 'bedrock/claude-opus-5', 'bedrock/claude-opus-5[1m]']) {
      expect(await routed(name, both)).toMatchObject({ upstream: { id: 'default', provider: 'bedrock' } })
    }
  })

  test('goes nowhere that the operator has not named, key or no key', async () => {
    for (const name of ['anthropic/claude-opus-5', 'openai/claude-opus-5', 'constructor/claude-opus-5']) {
      await expect(routed(name, { ANTHROPIC_API_KEY: 'not-a-secret' })).rejects.toThrow('There is: bedrock.')
    }
  })
})

describe('a key with models', () => {
  const limited = { ...ANYONE, models: [rule(['claude-haiku-*', 'claude-opus-5-5'])] }

  test('may use those, by any of their names', async () => {
    for (const name of [
      'claude-haiku-4-5',
      'claude-haiku-4-5-20251001',
      'claude-opus-5-5',
      'us.anthropic.claude-opus-5-5',
    ]) {
      await expect(routed(name, {}, limited)).resolves.toBeDefined()
    }
  })

  test('is told by policy, not by permission, that it may not use another', async () => {
    for (const name of [
      'claude-opus-5',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc',
    ]) {
      await expect(routed(name, {}, limited)).rejects.toMatchObject({
        type: 'policy_blocked',
        status: 400,
        retry: false,
        message: expect.stringContaining('claude-opus-5-5'),
      })
    }
  })

  test('may not be led to another by a fallback', async () => {
    const call = await callOf({
      model: 'claude-opus-5-5',
      messages: [],
      fallbacks: [{ model: 'claude-opus-5' }],
    })
    await expect(route(testRuntime(), limited, call)).rejects.toThrow(
      "may not fall back to the model 'claude-opus-5'",
    )
    expect((await route(testRuntime(), ANYONE, call)).routes).toHaveLength(1)
  })

  test('a dot in a pattern is a dot', async () => {
    await expect(
      routed('claude-opus-5-5', {}, { ...ANYONE, models: [rule(['claude.opus.5.5'])] }),
    ).rejects.toThrow('may not use')
  })

  test('is shown only those', async () => {
    const names = (await modelsFor(testRuntime(), limited)).map(({ name }) => name)
    expect(names).toEqual(['claude-haiku-5-5', 'claude-opus-5-5', 'claude-haiku-4-5'])
  })
})

describe('the endpoint', () => {
  test.each([
    [{}, 'https://bedrock-runtime.us-east-1.amazonaws.com'],
    [{ AWS_USE_FIPS_ENDPOINT: 'true' }, 'https://bedrock-runtime-fips.us-east-1.amazonaws.com'],
    [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'https://bedrock-runtime.us-east-1.api.aws'],
    [{ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }, 'http://127.0.0.1:1'],
    [
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce.test/' },
      'https://vpce.test',
    ],
    [
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      'https://bedrock-runtime.us-east-1.amazonaws.com',
    ],
  ])('%j is %s', async (env, endpoint) => {
    expect((await routed('claude-opus-5-5', env)).upstream.endpoint).toBe(endpoint)
  })
})
