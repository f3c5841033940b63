/** What a request's outline says of itself, against JSON.parse, on texts of every spelling. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deepen, member, outline, parse, type Shape, type Value } from '../../src/protocol/json.ts'
import { mayHold, mayHoldOddRole, mayHoldServerTool } from '../../src/protocol/jsonnotes.ts'
import { requestShape } from '../../src/protocol/messages.ts'

const KEYS = [
  ...[
    'messages',
    'content',
    'system',
    'tools',
    'source',
    'data',
    'role',
    'type',
    'cache_control',
    'citations',
  ],
  ...[
    'thinking',
    'metadata',
    'strict',
    'input_schema',
    'é',
    '',
    '__proto__',
    'constructor',
    'an unknown key',
  ],
]
const TEXTS = [
  'user',
  'assistant',
  'system',
  'server_tool_use',
  'web_search_20250305',
  'text',
  'a "quoted" \\ one',
]

/** The same text with every character of it escaped, or as it is usually written. */
const spelling = (texts: readonly string[]) =>
  fc.tuple(fc.constantFrom(...texts), fc.boolean()).map(([text, escaped]) => {
    const codes = text.split('').map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
    return escaped ? `"${codes.join('')}"` : JSON.stringify(text)
  })

const json = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 9, withCrossShrink: true },
    fc.constantFrom(
      'null',
      'true',
      'false',
      '-0.5e+3',
      '7',
      '""',
      `"${'x'.repeat(23)}\\\\"`,
      `"${'x'.repeat(24)}\\""`,
    ),
    spelling(TEXTS),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' ,\n')}]`),
    fc
      .array(fc.tuple(spelling(KEYS), tie('value')), { maxLength: 5 })
      .map((members) => `{ ${members.map(([key, value]) => `${key}:\t${value}`).join(', ')} }`),
  ),
})).value

/** A conversation, with anything in the places where the gateway looks. */
const request = fc
  .record({ messages: fc.array(fc.array(json, { maxLength: 3 }), { maxLength: 3 }), tools: json, rest: json })
  .map(({ messages, tools, rest }) => {
    const said = messages.map((blocks) => `{"role":"user","content":[${blocks.join(',')}]}`)
    return `{"tools":[${tools}],"messages":[${said.join(',')}],"system":${rest}}`
  })

test('looks into just what the shape asks for, and finds there what JSON.parse finds', () => {
  fc.assert(
    fc.property(fc.oneof(request, json), (text) => {
      const body = new TextEncoder().encode(text)
      compare(body, outline(body, requestShape), requestShape)
    }),
    { numRuns: 1_000 },
  )
})

function compare(body: Uint8Array, value: Value, shape: Shape) {
  const said = parse<unknown>(body, value)
  const { members, elements } = value
  const isObject = typeof said === 'object' && said !== null && !Array.isArray(said)
  expect(members !== undefined).toBe(isObject && shape !== true && !Array.isArray(shape))
  expect(elements !== undefined).toBe(Array.isArray(said) && Array.isArray(shape))
  if (elements && Array.isArray(shape)) {
    expect(elements.map((each) => parse(body, each))).toEqual(said)
    for (const each of elements) {
      expect(each).toMatchObject({ key: '', from: each.start })
      compare(body, each, shape[0])
    }
  }
  if (!members) return
  expect(Object.fromEntries(members.map((each) => [each.key, parse(body, each)]))).toEqual(said)
  for (const each of members) {
    const key = new TextDecoder().decode(body.subarray(each.from, each.start)).replace(/\s*:\s*$/, '')
    expect(JSON.parse(key)).toBe(each.key)
    const shapes = new Map(Object.entries(shape))
    compare(body, each, shapes.get(each.key) ?? true)
  }
}

test('no value denies what stands in it', () => {
  fc.assert(
    fc.property(fc.oneof(request, json), (text) => {
      const body = new TextEncoder().encode(text)
      const root = outline(body, requestShape)
      fc.pre(root.members !== undefined || root.elements !== undefined)
      for (const value of [root, ...under(root)]) {
        for (const each of under(value)) if (each.from < each.start) expectNoted(body, value, each)
      }
    }),
    { numRuns: 1_000 },
  )
})

function* under(value: Value): Generator<Value> {
  for (const each of value.members ?? value.elements ?? []) {
    yield each
    yield* under(each)
  }
}

function expectNoted(body: Uint8Array, around: Value, member: Value) {
  expect(mayHold(around, member.key)).toBe(true)
  if (member.key === 'role' && parse(body, member) === 'system') expect(mayHoldOddRole(around)).toBe(true)
  if (member.key === 'type' && isServers(body, member)) expect(mayHoldServerTool(around)).toBe(true)
}

function isServers(body: Uint8Array, member: Value): boolean {
  const type = parse<unknown>(body, member)
  return typeof type === 'string' && /^(server|web)_/.test(type)
}

test('an ordinary conversation is known to hold nothing that would have to be looked for', () => {
  const said = {
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'source' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'b', input: { source: 1 } }] },
    ],
    tools: [{ name: 'b', description: 'c', input_schema: { type: 'object', strict: true } }],
  }
  const root = outline(new TextEncoder().encode(JSON.stringify(said)), requestShape)
  const absent = ['source', 'data', 'cache_control', 'citations', 'output_config', 'strict', 'defer_loading']
  expect(absent.filter((key) => mayHold(root, key))).toEqual([])
  expect(mayHoldServerTool(root)).toBe(false)
  expect(mayHoldOddRole(root)).toBe(false)
})

test('what is looked into later may hold anything', () => {
  const body = new TextEncoder().encode('{"tools":[{"input_schema":{"strict":1}}]}')
  const root = outline(body, requestShape)
  const schema = member(member(root, 'tools')?.elements?.[0], 'input_schema') as Value
  expect(mayHold(schema, 'strict')).toBe(false)
  expect(mayHold(deepen(body, schema), 'strict')).toBe(true)
})
