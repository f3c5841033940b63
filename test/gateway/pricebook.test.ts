import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Price, priceBook } from '../../src/gateway/prices/book.ts'
import { SHIPPED } from '../../src/gateway/prices/shipped.ts'
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

describe('what follows from a price', () => {
  const globalRates = SHIPPED.flatMap(({ rates, long }) => (long ? [rates, long.rates] : [rates]))

  test('every shipped price: output is five times the input, reads a tenth or what the newest have, writes not said', () => {
    expect(SHIPPED.length).toBeGreaterThanOrEqual(MODELS.length)
    for (const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } of globalRates) {
      expect(output).toBe(5 * input)
      expect([10, 20, 40]).toContain(input / cacheRead)
      expect([cacheWrite5m, cacheWrite1h]).toEqual([undefined, undefined])
    }
  })

  test('reads of models that came before Opus 5.5 are a tenth of the input', () => {
    for (const { model, from, rates } of SHIPPED) {
      if (from < '2026-09-01') expect(rates.cacheRead * 10, model).toBe(rates.input)
    }
  })

  test.each(SHIPPED)(
    '$model: writes are 1.25 and 2 times the input, to the nano-dollar',
    ({ model, rates }) => {
      const cost = (usage: Partial<Usage>) => of(model, usage)
      const tokens = 100_000
      expect(cost({ cacheWrite5m: tokens })).toBe((rates.input * tokens * 1.25) / 1_000)
      expect(cost({ cacheWrite1h: tokens })).toBe((rates.input * tokens * 2) / 1_000)
    },
  )
})

function said(more: Partial<Price> = {}): Price {
  return {
    id: 'price_1',
    source: 'admin',
    provider: '',
    model: 'claude-opus-5-5',
    regionClass: '',
    tier: '',
    from: '2026-11-01',
    rates: { input: million, output: million, cacheRead: million },
    long: null,
    ...more,
  }
}
const rated = (input: number) => ({ input: input * million, output: 1, cacheRead: 1 })

describe('which price holds', () => {
  const opus = { provider: 'bedrock', model: 'claude-opus-5-5', regionClass: 'us' }
  const inputOf = (prices: Price[], ran = opus, at = NOW) =>
    priceBook(prices).charge({ ...NO_USAGE, input: million }, ran, at)

  test("an admin's stands above AWS's, that above the shipped one, however specific and late", () => {
    const aws = said({ id: 'price_2', source: 'aws', rates: rated(2), regionClass: 'us', from: '2026-11-19' })
    const admin = said({ rates: rated(3) })
    expect(inputOf([aws, admin])).toBe(3.3 * dollar)
    expect(inputOf([aws])).toBe(2 * dollar)
    expect(inputOf([])).toBe(4.4 * dollar)
  })

  test('the most specific: a region class above all geographies, those above all, a provider above all of them', () => {
    const all = said({ rates: rated(1) })
    const geographic = said({ id: 'price_2', regionClass: 'geographic', rates: rated(2) })
    const us = said({ id: 'price_3', regionClass: 'us', rates: rated(3) })
    const bedrock = said({ id: 'price_4', provider: 'bedrock', rates: rated(5) })
    expect(inputOf([all, geographic, us, bedrock])).toBe(3 * dollar)
    expect(inputOf([all, geographic, us, bedrock], { ...opus, regionClass: 'eu' })).toBe(2 * dollar)
    expect(inputOf([all, geographic, us, bedrock], { ...opus, regionClass: 'global' })).toBe(5 * dollar)
    expect(inputOf([all, geographic], { ...opus, regionClass: 'us-gov' })).toBe(1.2 * dollar)
    expect(inputOf([all, bedrock], { ...opus, provider: 'anthropic', regionClass: 'global' })).toBe(dollar)
  })

  test('of the same kind the latest that has begun to hold, and of one day the one said last', () => {
    const first = said({ rates: rated(1) })
    const later = said({ id: 'price_2', from: '2026-11-10', rates: rated(2) })
    const corrected = said({ id: 'price_3', from: '2026-11-10', rates: rated(3) })
    const coming = said({ id: 'price_4', from: '2026-12-01', rates: rated(5) })
    const prices = [first, later, corrected, coming]
    const on = (day: string) => inputOf(prices, { ...opus, regionClass: 'global' }, Date.parse(day))
    expect(on('2026-11-20')).toBe(3 * dollar)
    expect(on('2026-11-09T23:59:59Z')).toBe(dollar)
    expect(on('2026-12-01')).toBe(5 * dollar)
    expect(on('2026-10-31')).toBe(4 * dollar)
  })

  test('a tier has its own, or what is published, or none', () => {
    const usage = { ...NO_USAGE, input: million }
    const book = priceBook([said({ tier: 'priority', rates: rated(7), regionClass: 'us' })])
    expect(book.charge(usage, opus, NOW, 'priority')).toBe(7 * dollar)
    expect(book.charge(usage, opus, NOW, 'batch')).toBe(2.2 * dollar)
    expect(book.charge(usage, opus, NOW, 'flex')).toBeUndefined()
    expect(book.charge(usage, opus, NOW)).toBe(4.4 * dollar)
  })

  test('writes that a price says are charged as said, and rates for long prompts too', () => {
    const rates = { ...rated(1), cacheWrite5m: 7, cacheWrite1h: 9 }
    const long = { above: 10, rates: { ...rated(2), cacheWrite5m: 100_000 } }
    const book = priceBook([said({ rates, long, regionClass: 'us' })])
    const cost = (usage: Partial<Usage>) => book.charge({ ...NO_USAGE, ...usage }, opus, NOW)
    expect(cost({ cacheWrite5m: 10 })).toBe(0) // 0.07 nano-dollars
    expect(cost({ cacheWrite1h: 10, output: 1_000 })).toBe(1)
    expect(cost({ cacheWrite5m: 11 })).toBe(1_100)
    expect(cost({ cacheWrite1h: 11 })).toBe(44_000)
  })

  test('the multiplier is put on all of it, and the sum is rounded once', () => {
    const book = priceBook([], { multiplier: 85 })
    expect(book.charge({ ...NO_USAGE, input: million }, opus, NOW)).toBe(3.74 * dollar)
    expect(priceBook([], { multiplier: 0 }).charge({ ...NO_USAGE, input: million }, opus, NOW)).toBe(0)
  })
})

describe('several calls upstream', () => {
  const haiku = { provider: 'bedrock', model: 'claude-haiku-5-5', regionClass: 'global' }
  const call = { ...NO_USAGE, input: 60_000 }

  test('are each charged at the rates of their own length', () => {
    const book = priceBook([])
    expect(book.charge([call, call], haiku, NOW)).toBe(12_000_000)
    expect(book.charge({ ...call, input: 120_000 }, haiku, NOW)).toBe(60_000_000)
  })

  test('cost what their sum does where length does not matter: nothing is rounded in between', () => {
    const usage = fc.record({
      input: fc.nat(9_999),
      output: fc.nat(9_999),
      cacheRead: fc.nat(9_999),
      cacheWrite5m: fc.nat(9_999),
      cacheWrite1h: fc.nat(9_999),
    })
    const sum = (calls: Usage[]) =>
      calls.reduce((total, each) => ({
        input: total.input + each.input,
        output: total.output + each.output,
        cacheRead: total.cacheRead + each.cacheRead,
        cacheWrite5m: total.cacheWrite5m + each.cacheWrite5m,
        cacheWrite1h: total.cacheWrite1h + each.cacheWrite1h,
      }))
    const opus = { provider: 'bedrock', model: 'claude-opus-5-5', regionClass: 'eu' }
    const book = priceBook([], { multiplier: 93 })
    fc.assert(
      fc.property(fc.array(usage, { minLength: 1, maxLength: 5 }), (calls) => {
        expect(book.charge(calls, opus, NOW)).toBe(book.charge(sum(calls), opus, NOW))
      }),
    )
  })
})

test('a charge is the integer that arithmetic without bounds gives, for any rates and figures', () => {
  const rate = fc.nat(100_000_000)
  const rates = fc.record({
    input: rate,
    output: rate,
    cacheRead: rate,
    cacheWrite5m: rate,
    cacheWrite1h: rate,
  })
  const tokens = fc.nat(3_000_000)
  const usage = fc.record({
    input: tokens,
    output: tokens,
    cacheRead: tokens,
    cacheWrite5m: tokens,
    cacheWrite1h: tokens,
  })
  fc.assert(
    fc.property(rates, usage, fc.integer({ min: 0, max: 1_000 }), (given, used, multiplier) => {
      const ran = { provider: 'bedrock', model: 'm', regionClass: 'us' }
      const cost = priceBook([said({ model: 'm', rates: given, regionClass: 'us' })], { multiplier }).charge(
        used,
        ran,
        NOW,
      )
      const buckets = ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const
      let exact = 0n
      for (const bucket of buckets) exact += BigInt(used[bucket]) * BigInt(given[bucket])
      const twice = (2n * exact * BigInt(multiplier)) / 100_000n
      expect(BigInt(cost ?? -1)).toBe((twice + 1n) / 2n)
      expect(Number.isSafeInteger(cost)).toBe(true)
    }),
  )
})

describe('what is set aside where no price is known', () => {
  const usage = { ...NO_USAGE, input: 1_000_000, output: 1_000_000 }
  const book = priceBook([])
  const ceiling = (model: string, regionClass = 'region') =>
    book.ceiling(usage, { provider: 'bedrock', model, regionClass }, NOW)

  test.each([
    ['claude-haiku-9', 7.2],
    ['claude-opus-9', 108],
    ['arn:aws:bedrock:us-east-1:1:application-inference-profile/x', 108],
  ])('for %s: the most that one of its family costs, $%d', (model, dollars) => {
    expect(ceiling(model)).toBe(dollars * dollar)
  })

  test('is the price where one is known', () => {
    expect(ceiling('claude-opus-5-5', 'global')).toBe(24 * dollar)
  })
})
