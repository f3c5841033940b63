import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { fromBase64, toBase64 } from '../../src/protocol/base64.ts'

const ascii = (text: string) => new TextEncoder().encode(text)

test('any bytes come back from base64 as they went in, padded or not, from any place in a text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, padded) => {
      const text = toBase64(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64'))
      const inside = ascii(`{"${padded ? text : text.replaceAll('=', '')}"}`)
      expect([...fromBase64(inside, 2, inside.length - 2)]).toEqual([...bytes])
    }),
  )
})

test('a body too long for the arguments of one call is encoded too', () => {
  const long = new Uint8Array(200_000).map((_, index) => index % 251)
  expect(toBase64(long)).toBe(Buffer.from(long).toString('base64'))
})

test.each(['a', 'abcde', 'ab c', 'ab=c', 'ab-_', 'abc\u0000'])('%j is not base64', (text) => {
  expect(() => fromBase64(ascii(text), 0, text.length)).toThrow(GatewayError)
})
