import { describe, expect, test } from 'vitest'
import type { Price } from '../../src/gateway/prices/book.ts'
import { dollarsOf, dollarsOfNano, microsIn } from '../../src/gateway/prices/dollars.ts'
import { exampleOf, requirePlausible } from '../../src/gateway/prices/plausible.ts'
import { SHIPPED } from '../../src/gateway/prices/shipped.ts'

const rates = { input: 4_000_000, output: 20_000_000, cacheRead: 200_000 }

function price(more: Partial<Price['rates']> = {}, rest: Partial<Price> = {}): Price {
  return {
    id: 'price_1',
    source: 'admin',
    provider: 'bedrock',
    model: 'claude-opus-5-5',
    regionClass: '',
    tier: '',
    from: '2026-11-20',
    rates: { ...rates, ...more },
    long: null,
    ...rest,
  }
}

const judged = (each: Price, allowed = {}) =>
  requirePlausible(each, { confirm: false, free: false, ...allowed })

describe('an amount', () => {
  test.each([
    ['4', 4_000_000],
    ['4.00', 4_000_000],
    [' 0.25 ', 250_000],
    ['0.000001', 1],
    ['12.10', 12_100_000],
    ['999999999', 999_999_999_000_000],
  ])('%j is %d micro-dollars, and back', (text, micros) => {
    expect(microsIn(text)).toBe(micros)
    expect(microsIn(dollarsOf(micros))).toBe(micros)
  })

  test.each([
    '',
    '-1',
    '1e3',
    '0.0000001',
    '1,5',
    '$4',
    'NaN',
    '.5',
    '5.',
    '1 2',
    '0x1',
    '1e-7',
    'Infinity',
    '9999999999',
  ])('%j is none', (text) => {
    expect(microsIn(text)).toBeUndefined()
  })

  test('is shown with no more digits than it takes, and at least cents', () => {
    expect([4_000_000, 250_000, 1, 0].map(dollarsOf)).toEqual(['4.00', '0.25', '0.000001', '0.00'])
    expect([420_000_000, 1, 12_345_678_901].map(dollarsOfNano)).toEqual([
      '$0.42',
      '$0.000000001',
      '$12.345678901',
    ])
  })
})

describe('a price', () => {
  test.each(SHIPPED)('that is shipped is plausible: $model', (shipped) => {
    expect(() => judged(shipped)).not.toThrow()
  })

  test.each([
    ['per token', { input: 4, output: 20, cacheRead: 1 }, 'It looks like a price per token.'],
    [
      'per thousand',
      { input: 4_000, output: 20_000, cacheRead: 200 },
      'It looks like a price per thousand tokens.',
    ],
    [
      'ten times too much',
      { input: 200_000_000, output: 1_000_000_000 },
      'far from what such models cost ($4.00 to $4.00)',
    ],
    ['a dear read', { cacheRead: 4_000_001 }, 'Reading from the cache costs more than input.'],
    ['a cheap write', { cacheWrite5m: 3_999_999 }, '5-minute cache writes cost less than input.'],
    [
      'a cheap long write',
      { cacheWrite5m: 5_000_000, cacheWrite1h: 4_900_000 },
      '1-hour cache writes cost less',
    ],
    ['cheap output', { output: 3_000_000 }, 'Output costs less than input.'],
  ])('%s is refused, with an example, until it is confirmed', (_, more, sentence) => {
    expect(() => judged(price(more))).toThrow(sentence)
    expect(() => judged(price(more))).toThrow('With the shipped price of claude-opus-5-5 it costs $0.42.')
    expect(() => judged(price(more))).toThrow('confirm: true')
    expect(() => judged(price(more), { confirm: true })).not.toThrow()
  })

  test.each([
    ['below nothing', { input: -1 }, 'The price of input cannot be -1 micro-dollars'],
    ['no integer', { output: 0.5 }, 'cannot be 0.5'],
    ['out of reach', { output: 100_000_000_001 }, 'is out of reach'],
    ['nothing', { cacheRead: 0 }, 'say free: true'],
  ])('%s is refused, confirmed or not', (_, more, sentence) => {
    expect(() => judged(price(more), { confirm: true })).toThrow(sentence)
  })

  test('may be nothing where that is said', () => {
    expect(() => judged(price({ input: 0, output: 0, cacheRead: 0 }), { free: true })).not.toThrow()
  })

  test('for long prompts is judged as well', () => {
    const long = { above: 1, rates: { ...rates, input: 2_000_000 } }
    expect(() => judged(price({}, { long }))).toThrow('Long prompts cost less than short ones.')
    expect(() => judged(price({}, { long: { above: 1, rates: { ...rates, input: -1 } } }))).toThrow(
      'cannot be -1',
    )
  })

  test('of a new model is compared with its family, of an unknown one with all there are', () => {
    const dear = { input: 160_000_000, output: 800_000_000 }
    expect(() => judged(price(dear, { model: 'claude-sonnet-9' }))).toThrow('$2.00 to $3.00')
    expect(() => judged(price({}, { model: 'claude-sonnet-9' }))).not.toThrow()
    expect(() => judged(price({ input: 4, output: 20, cacheRead: 1 }, { model: 'arn:aws:x' }))).toThrow(
      'per token',
    )
    expect(() => judged(price({}, { model: 'arn:aws:x' }))).not.toThrow()
  })
})

describe('an example', () => {
  test('says what a request comes to where the price holds', () => {
    expect(exampleOf(price({ input: 8_000_000 }))).toBe(
      'At this price a request of 100,000 input and 1,000 output tokens costs $0.82. ' +
        'With the shipped price of claude-opus-5-5 it costs $0.42.',
    )
    expect(exampleOf(price({}, { regionClass: 'us' }))).toBe(
      'At this price a request of 100,000 input and 1,000 output tokens costs $0.42. ' +
        'With the shipped price of claude-opus-5-5 it costs $0.462.',
    )
    expect(exampleOf(price({}, { model: 'arn:aws:x' }))).toBe(
      'At this price a request of 100,000 input and 1,000 output tokens costs $0.42.',
    )
  })
})
