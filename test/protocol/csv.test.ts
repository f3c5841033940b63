import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CsvError, fromCsv, toCsv } from '../../src/protocol/csv.ts'

const fields = (text: string) => [...fromCsv(text)].map((record) => record.fields)

describe('a sheet', () => {
  test.each([
    [
      'a,b\r\nc,d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a,b\nc,d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['"a ""b"" c","d\r\ne"\r\n', [['a "b" c', 'd\r\ne']]],
    [
      'a,\r\n,b\r\n',
      [
        ['a', ''],
        ['', 'b'],
      ],
    ],
    ['\uFEFFa,b\r\n\r\n\n', [['a', 'b']]],
    ['', []],
    ['""', []],
    ['a,', [['a', '']]],
  ])('%j is %j', (text, expected) => {
    expect(fields(text)).toEqual(expected)
  })

  test('tells the line that each record begins on', () => {
    expect([...fromCsv('a\n"b\nc"\n\nd\n')].map(({ line }) => line)).toEqual([1, 2, 5])
  })

  test.each([
    ['a,b"c\n', 1],
    ['a\n"b" c\n', 2],
    ['a\n\n"b', 3],
  ])('%j has a quote out of place in line %d', (text, line) => {
    expect(() => fields(text)).toThrow(new CsvError(line))
  })

  test.each(['=1+1', '+1', '-1', '@x', '\t=1', "'=1", '=HYPERLINK("http://x";"y")'])(
    'what would be a formula is written as text: %j',
    (value) => {
      const text = toCsv([[value, 'x']])
      expect(text.replace(/^"/, '')).toMatch(/^'/)
      expect(fields(text)).toEqual([[value, 'x']])
    },
  )

  test('a figure is written as it is, nothing as nothing', () => {
    expect(toCsv([[-1, null, 2.5]])).toBe('-1,,2.5\r\n')
  })

  test('what was written is read, whatever it is', () => {
    const record = fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(record), (records) => {
        expect(fields(toCsv(records))).toEqual(records)
      }),
    )
    const nasty = fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', "'", '=', 'a') })
    fc.assert(
      fc.property(fc.array(fc.tuple(nasty, nasty)), (records) => {
        expect(fields(toCsv(records))).toEqual(records)
      }),
    )
  })
})
