import fc from 'fast-check'
import { expect, test } from 'vitest'
import { amount, exactAmount } from '../../src/gateway/prices/amount.ts'
import type { Price } from '../../src/gateway/prices/book.ts'

/** As calls have them, and as far off as nobody has seen. */
const figure = fc.oneof(fc.nat(200_000), fc.nat(Number.MAX_SAFE_INTEGER), fc.integer({ min: -1_000, max: 0 }))
const rate = fc.oneof(fc.nat(75_000_000), fc.nat(2 ** 40))
const usage = fc.record({
  input: figure,
  output: figure,
  cacheRead: figure,
  cacheWrite5m: figure,
  cacheWrite1h: figure,
})
const rates = fc.record(
  { input: rate, output: rate, cacheRead: rate, cacheWrite5m: rate, cacheWrite1h: rate },
  { requiredKeys: ['input', 'output', 'cacheRead'] },
)
const percent = fc.oneof(fc.constantFrom(0, 50, 100, 110, 120), fc.nat(10_000))

test('an amount is exact to the nano-dollar, whichever way it is computed', () => {
  fc.assert(
    fc.property(
      fc.array(usage, { maxLength: 3 }),
      rates,
      percent,
      percent,
      percent,
      (usages, own, ...all) => {
        const [regionPercent, tierPercent, multiplier] = all
        const price = { rates: own, long: null } as Price
        const holds = { price, regionPercent, tierPercent }
        expect(amount(usages, holds, multiplier)).toBe(exactAmount(usages, holds, multiplier))
      },
    ),
    { numRuns: 5_000 },
  )
})
