/** What calls take of Bedrock's quotas, as its documentation counts. */
import { expect, test } from 'vitest'
import {
  burndownOf,
  holderOf,
  quotaFor,
  takenAtStart,
  takenInTheEnd,
  takenLikely,
} from '../../../src/gateway/routing/burndown.ts'
import type { Wire } from '../../../src/protocol/fields/target.ts'
import { modelNamed } from '../../../src/protocol/models.ts'
import { place } from './routes.ts'

test.each([
  ['claude-opus-4-8', 'invoke', 15],
  ['claude-sonnet-5', 'invoke', 10],
  ['claude-opus-5', 'runtime-messages', 10],
  ['claude-fable-5-1', 'invoke', 10],
  ['claude-haiku-5-5', 'invoke', 10],
  ['claude-opus-4-7', 'invoke', 5],
  ['claude-haiku-4-5', 'invoke', 5],
  ['claude-opus-5', 'mantle', 1],
  ['claude-opus-5', 'anthropic', 1],
] as [string, Wire, number][])('a token of output of %s over %s counts as %i', (model, wire, factor) => {
  expect(burndownOf(place({ model: modelNamed(model), wire }))).toBe(factor)
})

test('a model that nobody knows yet counts as the newest do', () => {
  expect(burndownOf(place({ model: undefined }))).toBe(10)
})

const expected = { input: 100_000, cacheRead: 90_000, output: 500, maxTokens: 32_000 }

test('at the start the whole input and max_tokens are taken, whatever is cached', () => {
  expect(takenAtStart(place(), expected)).toBe(132_000)
})

test('in the end it is input, cache writes and the output times its factor; cache reads are given back', () => {
  const usage = { input: 1_000, cacheRead: 90_000, cacheWrite5m: 8_000, cacheWrite1h: 1_000, output: 500 }
  expect(takenInTheEnd(place(), usage)).toBe(10_000 + 5_000)
  expect(takenLikely(place(), expected)).toBe(10_000 + 5_000)
})

test('elsewhere than at AWS nothing is set aside for the answer, and cache reads are not counted', () => {
  expect(takenAtStart(place({ wire: 'anthropic' }), expected)).toBe(10_500)
})

test('upstreams of one account and region share a bucket; regions, models, reaches and front ends do not', () => {
  const one = holderOf(place({ id: 'a', account: '111' }))
  expect(holderOf(place({ id: 'b', account: '111' }))).toEqual(one)
  expect(holderOf(place({ id: 'b' }))).not.toEqual(holderOf(place({ id: 'a' })))
  for (const other of [
    { region: 'us-west-2' },
    { model: modelNamed('claude-haiku-5-5') },
    { regionClass: 'global' },
    { wire: 'mantle' as const },
  ]) {
    expect(holderOf(place({ id: 'a', account: '111', ...other }))).not.toEqual(one)
  }
})

test('a base id in GovCloud is counted in its region, a profile in its geography', () => {
  expect(holderOf(place({ regionClass: 'us-gov', modelId: 'anthropic.claude-opus-5' })).reach).toBe('region')
  expect(holderOf(place({ regionClass: 'us-gov', modelId: 'us-gov.anthropic.claude-opus-5' })).reach).toBe(
    'geography',
  )
})

test('a quota is the one of its model and reach; those of the runtime say nothing of the other front end', () => {
  const quotas = [
    {
      code: 'L-1',
      name: 'one',
      model: 'claude-opus-5-5',
      reach: 'global' as const,
      tokensPerMinute: 1,
      adjustable: true,
    },
    {
      code: 'L-2',
      name: 'two',
      model: 'claude-opus-5-5',
      reach: 'geography' as const,
      tokensPerMinute: 2,
      adjustable: true,
    },
  ]
  const here = place({ quotas })
  expect(quotaFor(here, holderOf(here))?.code).toBe('L-2')
  const mantle = place({ quotas, wire: 'mantle' })
  expect(quotaFor(mantle, holderOf(mantle))).toBeUndefined()
})
