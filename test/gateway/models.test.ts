/** Which models pass: what is allowed, what is denied even so, and which patterns are within which. */
import { expect, test } from 'vitest'
import { allows, isWithin } from '../../src/gateway/models.ts'

const rule = (models: string[] | null, deniedModels: string[] | null = null) => ({ models, deniedModels })
const OPUS = ['claude-opus-5', 'us.anthropic.claude-opus-5']

test.each([
  ['nothing is said', [], true],
  ['every rule allows it', [rule(['claude-*']), rule(['*opus*'])], true],
  ['one rule does not', [rule(['claude-*']), rule(['claude-haiku-*'])], false],
  ['nothing is allowed', [rule([])], false],
  ['it is allowed and denied', [rule(['claude-*'], ['*opus*'])], false],
  [
    'the key allows what the team denies',
    [rule(['claude-opus-5']), rule(null, ['us.anthropic.claude-opus*'])],
    false,
  ],
  ['something else is denied', [rule(null, ['claude-haiku-*'])], true],
  ['nothing is denied', [rule(null, [])], true],
])('where %s, a model passes: %s', (_, rules, passes) => {
  expect(allows(rules, OPUS, true)).toBe(passes)
})

test('behind a name that says nothing may be what is denied: only who allows that very name lets it pass', () => {
  const arn = ['arn:aws:bedrock:us-east-1:1:application-inference-profile/abc']
  expect(allows([rule(null)], arn, false)).toBe(true)
  expect(allows([rule(null, ['*opus*'])], arn, false)).toBe(false)
  expect(allows([rule(['*'], ['*opus*'])], arn, false)).toBe(false)
  expect(allows([rule(['arn:aws:bedrock:*'], ['*opus*'])], arn, false)).toBe(true)
})

test.each([
  [['claude-haiku-4-5'], ['claude-haiku-*'], true],
  [['claude-haiku-*'], ['claude-*'], true],
  [['claude-*'], ['claude-haiku-*'], false],
  [['*'], ['claude-*'], false],
  [['claude-opus-5', 'x'], ['claude-*'], false],
  [['a', 'b'], ['b', 'a'], true],
  [null, ['claude-*'], false],
  [['anything'], null, true],
  [null, null, true],
  [[], [], true],
])('%j is within %j: %s', (inner, outer, isIt) => {
  expect(isWithin(inner, outer)).toBe(isIt)
})
