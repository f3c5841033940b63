import { describe, expect, test } from 'vitest'
import { readPriceList } from '../../src/gateway/prices/pricelist.ts'
import { listText, modelLines } from '../fakes/pricelist.ts'

const opus = modelLines('Claude Opus 4.7', [5, 25, 0.5, 6.25, 10])
const [input, output, read] = opus
const only = (...lines: Parameters<typeof listText>[0]) => readPriceList(listText(lines))

describe("AWS's price list", () => {
  test('is read by its columns: a model of either wording, its published day', () => {
    const service = 'Claude Sonnet 4.5 (Amazon Bedrock Edition)'
    const old = [
      { service, description: 'Million Input Tokens Global', price: '3.0000000000' },
      { service, description: 'Million Response Tokens Global', price: '15.0000000000' },
      { service, description: 'Million Cache Read Input Tokens Global', price: '0.3000000000' },
      { service, description: 'Million Cache Write Input Tokens Global', price: '3.7500000000' },
      { service, description: 'Million 1 hour Cache Write Input Tokens Global', price: '6' },
      { service, description: 'Million Batch Response Tokens Global', price: '7.5000000000' },
      { service, description: 'Million Input Tokens (Latency Optimized Inference)', price: '9.0000000000' },
    ]
    expect(only(...opus, ...old)).toEqual({
      published: '2026-11-19T18:02:11Z',
      prices: [
        {
          model: 'claude-opus-4-7',
          regionClass: '',
          rates: {
            input: 5_000_000,
            output: 25_000_000,
            cacheRead: 500_000,
            cacheWrite5m: 6_250_000,
            cacheWrite1h: 10_000_000,
          },
        },
        {
          model: 'claude-sonnet-4-5',
          regionClass: '',
          rates: {
            input: 3_000_000,
            output: 15_000_000,
            cacheRead: 300_000,
            cacheWrite5m: 3_750_000,
            cacheWrite1h: 6_000_000,
          },
        },
      ],
      skipped: [],
    })
  })

  test('of geographies is a price of its own', () => {
    const list = only(
      ...opus,
      ...modelLines('Claude Opus 4.7', [5.5, 27.5, 0.55, 6.875, 11], 'Regional CRIS'),
    )
    expect(list?.prices.map(({ regionClass, rates }) => [regionClass, rates.input])).toEqual([
      ['', 5_000_000],
      ['geographic', 5_500_000],
    ])
  })

  test.each([
    ['something is missing', [input, output], 'input, output or cache reads are missing'],
    ['a price is no figure', [{ ...input, price: 'N/A' }, output, read], 'a price of it cannot be read'],
    ['a unit is not known', [{ ...input, unit: '1K tokens' }, output, read], 'a price of it cannot be read'],
    [
      'two prices are said',
      [input, { ...input, price: '6' }, output, read],
      'it has two prices for the same thing',
    ],
  ])('where %s, the model is left out', (_, lines, reason) => {
    const list = only(...(lines as typeof opus))
    expect(list).toMatchObject({ prices: [], skipped: [{ model: 'claude-opus-4-7', reason }] })
  })

  test('other models, tiers and regions are none of its business', () => {
    const others = [
      ...modelLines('Jurassic 2', [1, 5, 0.1, 1.25, 2]),
      ...modelLines('Claude Opus 4.7', [2.5, 12.5, 0.25, 3.125, 5], 'Batch'),
      ...opus.map((line) => ({ ...line, region: 'us-gov-west-1', price: '99' })),
    ]
    expect(only(...opus, ...others)?.prices).toHaveLength(1)
  })

  test.each(['', 'hello', '<html></html>', '"a","b"\n'])('%j is none', (text) => {
    expect(readPriceList(text)).toBeUndefined()
  })
})
