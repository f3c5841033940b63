/** The fake's token quotas count as AWS documents. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from './bedrock.ts'
import { tokenBuckets } from './buckets.ts'
import { hear, post, said, stream, verdict } from './caller.ts'

const ACCOUNT = { account: '1', region: 'us-east-1', modelId: 'us.anthropic.claude-opus-5-5' }

test('a call takes input and max_tokens at first, and has taken output times ten in the end', () => {
  const buckets = tokenBuckets(() => 100_000)
  const settle = buckets.begin({ ...ACCOUNT, inputTokens: 40_000, maxTokens: 32_000 }, 0)
  expect(buckets.left(ACCOUNT, 0)).toBe(28_000)
  settle?.({ input: 500, cacheWrite: 1_500, output: 300 }, 0)
  expect(buckets.left(ACCOUNT, 0)).toBe(95_000)
})

test('what does not fit is throttled and takes nothing; a minute fills the bucket, and no more than that', () => {
  const buckets = tokenBuckets(() => 60_000)
  expect(buckets.begin({ ...ACCOUNT, inputTokens: 60_000, maxTokens: 1 }, 0)).toBeUndefined()
  buckets.begin({ ...ACCOUNT, inputTokens: 50_000, maxTokens: 10_000 }, 0)
  expect(buckets.left(ACCOUNT, 30_000)).toBe(30_000)
  expect(buckets.left(ACCOUNT, 300_000)).toBe(60_000)
  expect(buckets.counts).toEqual({ begun: 1, throttled: 1 })
})

test.each([
  ['us.anthropic.claude-opus-4-8', 15],
  ['anthropic.claude-sonnet-4-5-20250929-v1:0', 5],
  ['global.anthropic.claude-haiku-5-5', 10],
])('output of %s burns %i times', (modelId, factor) => {
  const buckets = tokenBuckets(() => 100_000)
  const settle = buckets.begin({ ...ACCOUNT, modelId, inputTokens: 0, maxTokens: 1_000 }, 0)
  settle?.({ input: 0, cacheWrite: 0, output: 1_000 }, 0)
  expect(buckets.left({ ...ACCOUNT, modelId }, 0)).toBe(100_000 - 1_000 * factor)
})

test('accounts, regions, models and reaches have buckets of their own', () => {
  const buckets = tokenBuckets(() => 100)
  buckets.drain(ACCOUNT, 100, 0)
  expect(buckets.left(ACCOUNT, 0)).toBe(0)
  for (const other of [
    { account: '2' },
    { region: 'us-west-2' },
    { modelId: 'us.anthropic.claude-opus-5' },
    { modelId: 'global.anthropic.claude-opus-5-5' },
    { modelId: 'anthropic.claude-opus-5-5' },
  ])
    expect(buckets.left({ ...ACCOUNT, ...other }, 0)).toBe(100)
})

let fake: FakeBedrock
const NOW = Date.now() // stands still, so that nothing refills
const buckets = tokenBuckets(() => 10_000)
beforeAll(async () => {
  fake = await startFakeBedrock({ buckets, account: '9', now: () => NOW })
})
afterAll(() => fake.close())

test('the fake throttles in Bedrock’s words when its bucket is empty, and settles what it has answered', async () => {
  await hear(await stream(fake, said('!say one')))
  const place = { account: '9', region: fake.region, modelId: fake.seen[0]?.modelId ?? '' }
  const left = buckets.left(place, NOW)
  expect(left).toBeLessThan(10_000)
  expect(left).toBeGreaterThan(9_000)
  buckets.drain(place, left, NOW)
  expect(await verdict(await post(fake, said('hi')))).toBe(
    '429 ThrottlingException: Too many tokens, please wait before trying again.',
  )
})
