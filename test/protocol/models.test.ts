import { describe, expect, test } from 'vitest'
import { listedName, MODELS, modelNamed, modelOfBase, splitProfile } from '../../src/protocol/models.ts'

describe('names', () => {
  test.each([
    ['claude-opus-5-5', 'anthropic.claude-opus-5-5'],
    ['claude-opus-4-6', 'anthropic.claude-opus-4-6-v1'],
    ['claude-haiku-4-5', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['claude-haiku-4-5-20251001', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['claude-sonnet-4-20250514', 'anthropic.claude-sonnet-4-20250514-v1:0'],
    ['claude-opus-5-20260724', 'anthropic.claude-opus-5'],
  ])('%s is %s', (name, id) => {
    expect(modelNamed(name)?.bedrockId).toBe(id)
  })

  test.each([
    'claude-opus-4',
    'claude-opus',
    'opus',
    'claude-haiku-4-5-20240101',
    'claude-opus-5-5-2026092',
    'claude-opus-5-5-202609222',
    'claude-opus-5-5-v1',
    'Claude-Opus-5-5',
    ' claude-opus-5-5',
    'claude-opus-4-80',
    '',
  ])('%j is nobody, however near', (name) => {
    expect(modelNamed(name)).toBeUndefined()
  })

  test('every model is found by each of its names, and no two share one', () => {
    const names = MODELS.flatMap((model) => [...new Set([model.name, listedName(model)])])
    expect(new Set(names).size).toBe(names.length)
    for (const model of MODELS) {
      expect(modelNamed(model.name)).toBe(model)
      expect(modelNamed(listedName(model))).toBe(model)
      expect(modelOfBase(model.bedrockId)).toBe(model)
    }
  })
})

test('an inference profile is a prefix and a base id; anything else is neither', () => {
  expect(splitProfile('us-gov.anthropic.claude-opus-5')).toEqual({
    prefix: 'us-gov',
    baseId: 'anthropic.claude-opus-5',
  })
  expect(splitProfile('anthropic.claude-opus-4-6-v1')).toEqual({
    prefix: undefined,
    baseId: 'anthropic.claude-opus-4-6-v1',
  })
  for (const id of [
    'us.amazon.nova-pro-v1:0',
    'us.anthropic.claude-opus-5/../x',
    'anthropic',
    'us.anthropic.claude-Opus',
  ]) {
    expect(splitProfile(id)).toBeUndefined()
  }
})
