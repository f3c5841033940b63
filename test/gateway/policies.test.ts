/** The arithmetic of policies: what is reached at which spending, exactly. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Rule } from '../../src/data/tables/money.ts'
import {
  faultIn,
  HIGHEST,
  HIGHEST_CAP,
  judge,
  PRESETS,
  percentOf,
  presetOf,
  shareOf,
} from '../../src/gateway/policies.ts'

const cap = fc.integer({ min: 0, max: HIGHEST_CAP })
const percent = fc.integer({ min: 1, max: HIGHEST })

describe('a share of a cap', () => {
  test('is exact to the nano-dollar, rounded up, and never beyond what integers hold', () => {
    fc.assert(
      fc.property(cap, percent, (amount, share) => {
        const exact = (BigInt(amount) * BigInt(share) + 99n) / 100n
        const bounded = exact > BigInt(HIGHEST_CAP) ? BigInt(HIGHEST_CAP) : exact
        expect(BigInt(shareOf(amount, share))).toBe(bounded)
      }),
    )
  })

  test('is reached at it, not before it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), percent, (amount, at) => {
        const rules: Rule[] = [{ at, action: 'block' }]
        const closesAt = shareOf(amount, at)
        expect(judge(rules, amount, closesAt)).toMatchObject({ action: 'block', closesAt, reached: [at] })
        expect(judge(rules, amount, closesAt - 1)).toMatchObject({ action: undefined, closesAt, reached: [] })
      }),
    )
  })

  test('that is spent is said in whole hundredths, rounded down', () => {
    expect([0, 28, 29, 99.9, 100, 163].map((spent) => percentOf(100, spent))).toEqual([
      0, 28, 29, 99, 100, 163,
    ])
    expect(percentOf(0, 0)).toBe(100)
  })
})

describe('rules', () => {
  const rules: Rule[] = [
    { at: 50, action: 'notify' },
    { at: 60, action: 'slow', requestsPerMinute: 10 },
    { at: 70, action: 'step_down', model: 'claude-haiku-4-5' },
    { at: 80, action: 'slow', requestsPerMinute: 2 },
    { at: 100, action: 'block' },
  ]

  test.each([
    [49, undefined, undefined, undefined],
    [50, 'notify', undefined, undefined],
    [60, 'slow', 10, undefined],
    [70, 'step_down', 10, 'claude-haiku-4-5'],
    [80, 'step_down', 2, 'claude-haiku-4-5'],
    [100, 'block', 2, 'claude-haiku-4-5'],
  ])('at %i of 100: %s', (spent, action, slow, stepDown) => {
    expect(judge(rules, 100, spent)).toMatchObject({ action, slow, stepDown, closesAt: 100 })
  })

  test('without a block never close, unless nothing at all is allowed', () => {
    const soft: Rule[] = [{ at: 80, action: 'notify' }]
    expect(judge(soft, 100, 1e9)).toMatchObject({ closesAt: null, action: 'notify' })
    expect(judge(soft, 0, 0)).toMatchObject({ closesAt: 0, action: 'block', reached: [80] })
  })

  test('that are presets are known by their name', () => {
    for (const name of Object.keys(PRESETS) as (keyof typeof PRESETS)[]) {
      expect(presetOf(PRESETS[name])).toBe(name)
      expect(faultIn(PRESETS[name])).toBeUndefined()
    }
    expect(presetOf([{ at: 80, action: 'notify' }])).toBeUndefined()
  })
})
