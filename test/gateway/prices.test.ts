import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { priceBook } from '../../src/gateway/prices/book.ts'
import { NO_USAGE, type Usage } from '../../src/protocol/messages.ts'
import { MODELS } from '../../src/protocol/models.ts'

const NOW = Date.UTC(2026, 10, 20)
const million = 1_000_000
const dollar = 1_000_000_000
const of = (name: string, usage: Partial<Usage>, regionClass = 'global', at = NOW) =>
  priceBook([]).charge({ ...NO_USAGE, ...usage }, { provider: 'bedrock', model: name, regionClass }, at)

describe('a charge', () => {
  test.each([
    ['claude-opus-5-5', { input: million }, 4],
    ['claude-opus-5-5', { output: million }, 20],
    ['claude-opus-5-5', { cacheRead: million }, 0.2],
    ['claude-opus-5-5', { cacheWrite5m: million }, 5],
    ['claude-opus-5-5', { cacheWrite1h: million }, 8],
    ['claude-sonnet-5-5', { cacheRead: million }, 0.1],
    ['claude-fable-5-2', { cacheRead: million }, 0.2],
    ['claude-opus-4-1', { output: million }, 75],
  ])('%s, a million of %j, is $%d', (name, usage, dollars) => {
    expect(of(name, usage)).toBe(Math.round(dollars * dollar))
  })

  test('by hand: 1,234 in, 50,000 read, 2,000 and 300 written, 777 out of Opus 5.5 in the US', () => {
    // (1234*4 + 50000*0.2 + 2000*5 + 300*8 + 777*20) micro-dollars, plus a tenth
    const usage = { input: 1_234, cacheRead: 50_000, cacheWrite5m: 2_000, cacheWrite1h: 300, output: 777 }
    expect(of('claude-opus-5-5', usage, 'us')).toBe(
      Math.round((4_936 + 10_000 + 10_000 + 2_400 + 15_540) * 1_000 * 1.1),
    )
  })

  test.each([
    ['claude-opus-5-5', 'global', 4],
    ['claude-opus-5-5', 'eu', 4.4],
    ['claude-opus-5-5', 'region', 4.4],
    ['claude-opus-5-5', 'us-gov', 4.8],
    ['claude-opus-4-1', 'us', 15],
    ['claude-sonnet-4', 'eu', 3],
  ])('%s in %s costs $%d a million', (name, regionClass, dollars) => {
    expect(of(name, { input: million }, regionClass)).toBe(Math.round(dollars * dollar))
  })

  test('Haiku 5.5 is charged at the higher rate as a whole when its prompt, cached or not, passes 100,000 tokens', () => {
    expect(of('claude-haiku-5-5', { input: 50_000, cacheRead: 50_000, output: 1_000 })).toBe(
      5_000_000 + 500_000 + 500_000,
    )
    expect(of('claude-haiku-5-5', { input: 50_000, cacheRead: 50_001, output: 1_000 })).toBe(
      25_000_000 + 2_500_050 + 2_500_000,
    )
    expect(of('claude-haiku-5-5', { cacheWrite5m: 100_001 })).toBe(62_500_625)
    expect(of('claude-haiku-5-5', { output: 200_000 })).toBe(100_000_000)
  })

  test('is unknown, not zero, for a model without a price, and before a price holds', () => {
    expect(of('claude-opus-9', { input: 1 }, 'us', NOW)).toBeUndefined()
    expect(of('claude-opus-5-5', { input: 1 }, 'us', Date.UTC(2026, 8, 21))).toBeUndefined()
    expect(of('claude-opus-5-5', { input: 1 }, 'us', Date.UTC(2026, 8, 22))).toBe(4_400)
  })

  test('is rounded once, to the nearest nano-dollar', () => {
    expect(of('claude-haiku-5-5', { cacheWrite5m: 1 }, 'us')).toBe(138) // 137.5
    expect(of('claude-haiku-5-5', { cacheWrite5m: 2 }, 'us')).toBe(275)
  })

  test('never loses a token to floating point: parts add up to the whole within rounding', () => {
    const tokens = fc.nat(2_000_000)
    fc.assert(
      fc.property(tokens, tokens, fc.constantFrom(...MODELS), (input, output, model) => {
        const part = (usage: Partial<Usage>) => of(model.name, usage, 'us') ?? Number.NaN
        if (model.name === 'claude-haiku-5-5' && input > 100_000) return
        expect(Math.abs(part({ input, output }) - part({ input }) - part({ output }))).toBeLessThanOrEqual(1)
      }),
    )
  })
})

test('every model has a price today, and no price is wild', () => {
  for (const model of MODELS) {
    const [input, output, read] = (['input', 'output', 'cacheRead'] as const).map(
      (bucket) => of(model.name, { [bucket]: 1_000 }) ?? 0,
    )
    expect(output, model.name).toBe((input ?? 0) * 5)
    expect([0.1, 0.05, 0.025], model.name).toContain((read ?? 0) / (input ?? 1))
  }
})
