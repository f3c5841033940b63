import { describe, expect, test } from 'vitest'
import { rowsIn, sheetOf } from '../../src/gateway/prices/sheet.ts'

const NOW = Date.UTC(2026, 10, 20)
const HEADER =
  'provider,model,region_class,tier,from,input_usd_per_million,output_usd_per_million,cache_read_usd_per_million'
const read = (text: string, allowed = { confirm: false, free: false }) => rowsIn(text, 'root', allowed, NOW)

describe('a sheet of prices', () => {
  const sheet = [
    `${HEADER},cache_write_1h_usd_per_million,long_above_tokens,long_input_usd_per_million,long_output_usd_per_million,long_cache_read_usd_per_million`,
    'bedrock,claude-opus-5-5,us,,2026-12-01,3.5,17.5,0.175,7.25,,,,',
    ',claude-haiku-9,,priority,,0.2,1,0.02,,200000,0.4,2,0.04',
  ].join('\r\n')

  test('is read, and what is written is read as the same', () => {
    const rows = read(sheet)
    expect(rows).toMatchObject([
      {
        provider: 'bedrock',
        model: 'claude-opus-5-5',
        regionClass: 'us',
        tier: '',
        from: '2026-12-01',
        rates: { input: 3_500_000, output: 17_500_000, cacheRead: 175_000, cacheWrite1h: 7_250_000 },
        long: null,
        source: 'admin',
        createdBy: 'root',
      },
      {
        provider: '',
        model: 'claude-haiku-9',
        tier: 'priority',
        from: '2026-11-20',
        long: { above: 200_000, rates: { input: 400_000, output: 2_000_000, cacheRead: 40_000 } },
      },
    ])
    const unnamed = (all: typeof rows) => all.map(({ id: _, ...rest }) => rest)
    expect(unnamed(read(sheetOf(rows)))).toEqual(unnamed(rows))
  })

  test('with anything wrong is refused as a whole, every wrong line named', () => {
    const wrong = [
      HEADER,
      ',claude-opus-5-5,,,,4,20,0.2',
      ',claude-opus-5-5,us,,,0.000004,0.00002,0.0000002',
      ',claude-opus-5-5,eu,,,0.000004,0.00002,0.000001',
      ',,,,,4,20,0.2',
      ',claude-opus-5-5,jp,,2026-02-30,4,20,0.2',
      ',us.anthropic.claude-opus-5-5,,,,4,20,0.2',
      ',claude-opus-5-5,au,,,4,20',
      ',claude-opus-5-5,,,,4,20,0.2',
    ].join('\n')
    expect(() => read(wrong)).toThrow(/^Nothing was imported\.\n/)
    for (const sentence of [
      'line 3: cache_read_usd_per_million: Input should be dollars per million tokens',
      'line 4: The price of input, $0.000004 a million tokens, is far from',
      'line 5: model: Field required',
      'line 6: from: Input should be a day',
      "line 7: model: Input should be a plain name such as claude-opus-5-5, not Bedrock's id",
      'line 8: there are 7 fields, and 8 columns',
      'line 9: it says the price of line 2 a second time',
    ]) {
      expect(() => read(wrong)).toThrow(sentence)
    }
    expect(() => read(wrong)).not.toThrow('line 2: ')
  })

  test.each([
    ['', 'line 1: the column model is missing'],
    ['model,input_usd_per_million\n', 'line 1: the column output_usd_per_million is missing'],
    [`${HEADER},prise\n`, "line 1: there is no column 'prise'"],
    [`${HEADER}\n"`, 'line 2: a quote is out of place'],
    [`${HEADER}\n${',claude-opus-5-5,,,,4,20,0.2\n'.repeat(2_001)}`, 'A sheet may have 2000 prices.'],
  ])('%j: %s', (text, sentence) => {
    expect(() => read(text)).toThrow(sentence)
  })

  test('names twenty lines at most', () => {
    const text = [HEADER, ...Array.from({ length: 25 }, () => ',,,,,4,20,0.2')].join('\n')
    expect(() => read(text)).toThrow('and 5 more')
  })

  test('holds no formula', () => {
    const [row] = read(`${HEADER}\n,=cmd|'/C calc'!A1,,,,4,20,0.2\n`)
    expect(row?.model).toBe("=cmd|'/C calc'!A1")
    expect(row && sheetOf([row])).toContain(",'=cmd|'/C calc'!A1,")
  })
})
