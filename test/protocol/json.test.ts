import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import type { Bytes } from '../../src/protocol/bytes.ts'
import { splice, without } from '../../src/protocol/edits.ts'
import { member, outline, parse, type Shape, type Value, values } from '../../src/protocol/json.ts'

const bytes = (text: string): Bytes => new TextEncoder().encode(text)
const text = (from: Uint8Array) => new TextDecoder().decode(from)

/** A JSON text built piece by piece, so that its exact spelling is known: spaces, escapes, long numbers, repeats. */
const spelled = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '-0', '1.0', '1e400', '12345678901234567890', '0.10', '1E+2'),
    fc.string({ unit: 'binary' }).map((each) => JSON.stringify(each)),
    fc.constantFrom('"\\u0061\\ud83d\\ude00"', '"\\/\\\\\\""', '"\\\\"', '""', '"\\u0000"'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[ ${items.join(' ,\n')}]`),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'model', 'm\\u006fdel', 'é'), tie('value')), { maxLength: 4 })
      .map((members) => `{${members.map(([key, value]) => `\t"${key}" :${value}`).join(',')} }`),
  ),
})).value

describe('outline', () => {
  test('takes every JSON text that JSON.parse takes, and spans the whole of it', () => {
    fc.assert(
      fc.property(spelled, fc.constantFrom('', ' ', '\r\n\t'), (value, space) => {
        const body = bytes(space + value + space)
        expect(() => JSON.parse(text(body))).not.toThrow()
        const root = outline(body, { a: [{}] })
        expect(text(body.subarray(root.start, root.end))).toBe(value)
      }),
      { numRuns: 500 },
    )
  })

  test('spans of members and elements hold what JSON.parse finds there', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.array(fc.jsonValue())), (object) => {
        const body = bytes(JSON.stringify(object))
        const shape = Object.fromEntries(Object.keys(object).map((key) => [key, [true]])) as Shape
        const root = outline(body, shape)
        for (const [key, list] of Object.entries(object)) {
          const elements = member(root, key)?.elements?.map((element) => parse(body, element))
          expect(elements).toEqual(JSON.parse(JSON.stringify(list)))
        }
      }),
    )
  })

  test.each([
    ['', 0],
    ['{', 1],
    ['{"a"', 4],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['{a:1}', 1],
    ['[1 2]', 3],
    ['[1,]', 3],
    ['{"a":1}}', 7],
    ['"open', 5],
    ['"open\\"', 7],
    ['nul', 0],
    ['01', 0],
    ['1.', 0],
    ['+1', 0],
    ['NaN', 0],
    ['[{"a":[1}]', 8],
    ['{"a":1]', 6],
  ])('refuses %j at byte %i', (broken, at) => {
    for (const shape of [true, {}, [true], { a: [{}] }] as const) {
      expect(() => outline(bytes(broken), shape)).toThrow(
        new GatewayError('invalid_request_error', `The request body is not valid JSON (at byte ${at}).`),
      )
    }
  })

  test('a nesting of a million brackets neither overflows the stack nor takes long', () => {
    const deep = bytes('['.repeat(1_000_000) + ']'.repeat(1_000_000))
    expect(outline(deep, { content: true }).end).toBe(2_000_000)
    expect(() => outline(deep.subarray(0, 1_500_000), true)).toThrow(GatewayError)
  })

  test('a shape that refers to itself stops at a bound', () => {
    const shape: { content: Shape } = { content: true }
    shape.content = [shape]
    const deep = bytes('{"content":['.repeat(1_000) + ']}'.repeat(1_000))
    expect(outline(deep, shape).end).toBe(deep.length)
  })

  test('a byte-order mark is not part of the text', () => {
    const body = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes('{"a":1}')])
    expect(parse(body, member(outline(body, {}), 'a') ?? { start: 0, end: 0 })).toBe(1)
  })

  test('a key is the same key however it is escaped, and the last of several counts', () => {
    const body = bytes('{"model":"first","m\\u006fdel":"last"}')
    const root = outline(body, {})
    expect(values(root, 'model')).toHaveLength(2)
    expect(parse(body, member(root, 'model') as Value)).toBe('last')
  })
})

describe('splice and without', () => {
  test('cutting any members out leaves the others as they were, byte for byte', () => {
    const members = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), spelled), { maxLength: 8 })
    fc.assert(
      fc.property(
        members,
        fc.subarray(['a', 'b', 'c']),
        fc.constantFrom('', ' ', '\n'),
        (list, gone, space) => {
          const join = (of: [string, string][]) => of.map(([key, value]) => `"${key}"${space}:${value}`)
          const body = bytes(`{${space}${join(list).join(`${space},${space}`)}}`)
          const cut = splice(
            body,
            without(outline(body, {}).members, ({ key }) => gone.includes(key)),
          )
          const root = outline(cut, {})
          const left = root.members?.map(({ from, end }) => text(cut.subarray(from, end)))
          expect(left).toEqual(join(list.filter(([key]) => !gone.includes(key))))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('cutting any elements out leaves the others as they were, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(spelled, fc.boolean()), { maxLength: 8 }), (list) => {
        const body = bytes(`[${list.map(([value]) => value).join(' , ')}]`)
        const cut = splice(
          body,
          without(outline(body, [true]).elements, (_, index) => list[index]?.[1] ?? false),
        )
        const left = outline(cut, [true]).elements?.map(({ start, end }) => text(cut.subarray(start, end)))
        expect(left).toEqual(list.filter(([, gone]) => !gone).map(([value]) => value))
      }),
    )
  })

  test('an edit inside a stretch that goes is void; an insertion where a stretch begins is not', () => {
    const body = bytes('abcdef')
    const edits = [
      { start: 1, end: 5 },
      { start: 2, end: 3, text: 'X' },
      { start: 1, end: 1, text: 'I' },
    ]
    expect(text(splice(body, edits))).toBe('aIf')
  })

  test('with nothing to edit the very same bytes come back', () => {
    const body = bytes('{"a":1.0}')
    expect(splice(body, [])).toBe(body)
  })

  test('edits that overlap by half are a mistake of ours, and loud', () => {
    expect(() =>
      splice(bytes('abcdef'), [
        { start: 0, end: 3 },
        { start: 2, end: 5 },
      ]),
    ).toThrow('edits overlap')
  })
})
