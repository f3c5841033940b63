/** Which model ids reach a model, from which region, for which operation. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from './bedrock.ts'
import { type Post, post, said, verdict } from './caller.ts'

let fake: FakeBedrock
let tokyo: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock({ profiles: { abc123: 'anthropic.claude-haiku-4-5-20251001-v1:0' } })
  tokyo = await startFakeBedrock({ region: 'ap-northeast-1' })
})
afterAll(() => Promise.all([fake.close(), tokyo.close()]))

const UNKNOWN = '400 ValidationException: The provided model identifier is invalid.'

test.each([
  ['us.anthropic.claude-opus-5-5', '200'],
  ['global.anthropic.claude-sonnet-5-5', '200'],
  ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5', '200'],
  ['arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zz9', '200'],
  ['arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6', '200'],
  ['arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/zz9', UNKNOWN],
  ['arn:aws-us-gov:bedrock:us-east-1:123456789012:application-inference-profile/zz9', UNKNOWN],
  ['jp.anthropic.claude-opus-5-5', UNKNOWN],
  ['us.anthropic.claude-opus-9', UNKNOWN],
  ['claude-opus-5-5', UNKNOWN],
  [
    'anthropic.claude-opus-5-5',
    "400 ValidationException: Invocation of model ID anthropic.claude-opus-5-5 with on-demand throughput isn't " +
      'supported. Retry your request with the ID or ARN of an inference profile that contains this model.',
  ],
])('%s in us-east-1', async (modelId, expected) => {
  expect(await verdict(await post(fake, said('hi'), { modelId }))).toBe(expected)
})

test('profiles belong to regions', async () => {
  const ask = async (modelId: string) => verdict(await post(tokyo, said('hi'), { modelId }))
  expect(await ask('jp.anthropic.claude-opus-5-5')).toBe('200')
  expect(await ask('global.anthropic.claude-opus-5-5')).toBe('200')
  expect(await ask('us.anthropic.claude-opus-5-5')).toBe(UNKNOWN)
})

test('an application inference profile stands for the model it was made of', async () => {
  const modelId = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'
  expect(await verdict(await post(fake, said('hi', { thinking: { type: 'adaptive' } }), { modelId }))).toBe(
    '400 ValidationException: adaptive thinking is not supported on this model',
  )
})

const COUNT: Post = { operation: 'count-tokens', modelId: 'anthropic.claude-sonnet-4-6' }

function counted(body: unknown): unknown {
  return { input: { invokeModel: { body: Buffer.from(JSON.stringify(body)).toString('base64') } } }
}

test('tokens are counted for base ids up to 4.6', async () => {
  const response = await post(fake, counted(said('hello there')), COUNT)
  expect(await response.json()).toEqual({ inputTokens: 8 })
  expect(fake.seen.at(-1)).toMatchObject({ operation: 'count', body: { max_tokens: 4_096 } })
})

test.each(['us.anthropic.claude-sonnet-4-6', 'anthropic.claude-opus-5-5'])(
  '%s cannot be counted',
  async (modelId) => {
    expect(await verdict(await post(fake, counted(said('hi')), { ...COUNT, modelId }))).toBe(
      "400 ValidationException: The provided model doesn't support counting tokens.",
    )
  },
)

test('a count is judged like an invocation', async () => {
  const { max_tokens: _, ...body } = said('hi')
  expect(await verdict(await post(fake, counted(body), COUNT))).toBe(
    '400 ValidationException: max_tokens: Field required',
  )
})

test('other paths are unknown operations', async () => {
  const response = await fetch(`${fake.url}/model/us.anthropic.claude-opus-5-5/converse`, { method: 'POST' })
  expect(await verdict(response)).toMatch(/^404 UnknownOperationException/)
})
