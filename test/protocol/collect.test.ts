import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collector } from '../../src/protocol/collect.ts'
import type { StreamEvent } from '../../src/protocol/messages.ts'

const event = (value: { type: string; [key: string]: unknown }): StreamEvent => ({
  type: value.type,
  data: new TextEncoder().encode(JSON.stringify(value)),
})
const start = (index: number, content_block: object) =>
  event({ type: 'content_block_start', index, content_block })
const delta = (index: number, delta: object) => event({ type: 'content_block_delta', index, delta })

function collected(...events: StreamEvent[]): string | undefined {
  const collecting = collector()
  for (const each of events) collecting.add([each])
  return collecting.message()
}

const usage = { input_tokens: 3, cache_creation: { ephemeral_1h_input_tokens: 2 }, output_tokens: 1 }
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [],
  stop_reason: null,
  usage,
}
const begin = event({ type: 'message_start', message })
const finish = event({
  type: 'message_delta',
  delta: { stop_reason: 'tool_use', stop_sequence: null, safeguard_results: [{ type: 'x' }] },
  usage: { output_tokens: 9 },
})

describe('a message put together', () => {
  test('has every kind of block, in order, whole', () => {
    const text = collected(
      begin,
      start(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      delta(0, { type: 'thinking_delta', thinking: 'm' }),
      delta(0, { type: 'signature_delta', signature: 'c2ln' }),
      start(1, { type: 'text', text: '' }),
      delta(1, { type: 'text_delta', text: 'a "b' }),
      delta(1, { type: 'text_delta', text: '" c' }),
      delta(1, { type: 'citations_delta', citation: { cited_text: 'one' } }),
      delta(1, { type: 'citations_delta', citation: { cited_text: 'two' } }),
      start(2, { type: 'tool_use', id: 't', name: 'n', input: {} }),
      start(3, { type: 'redacted_thinking', data: 'eA==' }),
      finish,
    )
    expect(JSON.parse(text ?? '')).toEqual({
      ...message,
      content: [
        { type: 'thinking', thinking: 'hmm', signature: 'c2ln' },
        { type: 'text', text: 'a "b" c', citations: [{ cited_text: 'one' }, { cited_text: 'two' }] },
        { type: 'tool_use', id: 't', name: 'n', input: {} },
        { type: 'redacted_thinking', data: 'eA==' },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      safeguard_results: [{ type: 'x' }],
      usage: { ...usage, output_tokens: 9 },
    })
  })

  test('keeps every digit of a tool input', () => {
    const text = collected(
      begin,
      start(0, { type: 'tool_use', id: 't', name: 'n', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"id": 123456789012' }),
      delta(0, { type: 'input_json_delta', partial_json: '34567890, "x":1.0}' }),
      finish,
    )
    expect(text).toContain('"input":{"id": 12345678901234567890, "x":1.0}}')
  })

  test('takes a kind of delta that nobody has heard of for what it looks like', () => {
    const text = collected(
      begin,
      start(0, { type: 'novel', saying: '' }),
      delta(0, { type: 'novel_delta', saying: 'so' }),
      delta(0, { type: 'novel_delta', saying: '!', count: 2 }),
      delta(7, { type: 'text_delta', text: 'of no block' }),
    )
    expect(JSON.parse(text ?? '').content).toEqual([{ type: 'novel', saying: 'so!', count: 2 }])
  })

  test('is the same whether its deltas are read at a glance or parsed', () => {
    const kinds = [
      ['text_delta', 'text'],
      ['input_json_delta', 'partial_json'],
      ['thinking_delta', 'thinking'],
      ['signature_delta', 'signature'],
    ] as const
    const saying = fc.string({ unit: 'binary' })
    const told = fc.tuple(
      fc.constantFrom(...kinds),
      fc.nat(11),
      fc.oneof(saying, fc.constant('\ufeff"}}\\n')),
    )
    const written = (space: number) => (deltas: [readonly [string, string], number, string][]) =>
      collected(
        begin,
        ...Array.from({ length: 12 }, (_, index) => start(index, { type: 'text' })),
        ...deltas.map(([[type, key], index, text]) => {
          const value = { type: 'content_block_delta', index, delta: { type, [key]: text } }
          return { type: value.type, data: new TextEncoder().encode(JSON.stringify(value, null, space)) }
        }),
      )
    // With spaces between its tokens an event is always parsed.
    fc.assert(
      fc.property(fc.array(told), (deltas) => {
        expect(written(0)(deltas)).toBe(written(1)(deltas))
      }),
    )
  })

  test('parses a delta that says more than its text', () => {
    const text = collected(
      begin,
      start(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text: 'a', more: 'b' }),
    )
    expect(JSON.parse(text ?? '').content).toEqual([{ type: 'text', text: 'a', more: 'b' }])
  })

  test('is none where there was no beginning', () => {
    expect(collected(finish)).toBeUndefined()
    expect(() => collected({ type: 'message_start', data: new TextEncoder().encode('not json') })).toThrow(
      'cannot be read',
    )
  })
})
