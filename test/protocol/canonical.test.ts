import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../src/protocol/canonical.ts'

test('members stand in the order of their names, at every depth, and without white space', () => {
  expect(canonical({ b: [{ d: 1, c: null }], a: 'x', é: { '10': 1, '9': 2 } })).toBe(
    '{"a":"x","b":[{"c":null,"d":1}],"é":{"9":2,"10":1}}',
  )
  expect(canonical(undefined)).toBe('null')
})

test('the same values in another order are the same text, and read back as the same values', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const turned = Object.fromEntries(Object.entries(object).toReversed())
      expect(canonical(turned)).toBe(canonical(object))
      expect(JSON.parse(canonical(object))).toEqual(JSON.parse(JSON.stringify(object)))
    }),
  )
})
