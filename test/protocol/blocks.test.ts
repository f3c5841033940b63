import { describe, expect, test } from 'vitest'
import { openBlock } from '../../src/protocol/blocks.ts'

function block(start: Record<string, unknown>, ...deltas: Record<string, unknown>[]) {
  const open = openBlock(start)
  for (const delta of deltas) open.push(delta)
  return open
}

describe('a block put together from its deltas', () => {
  test('text, with what it cites', () => {
    const cited = { type: 'search_result_location', source: 'https://a.test' }
    const { text } = block(
      { type: 'text', text: '' },
      { type: 'text_delta', text: 'Hello ' },
      { type: 'text_delta', text: '"world"\n' },
      { type: 'citations_delta', citation: cited },
    )
    expect(JSON.parse(text())).toEqual({ type: 'text', text: 'Hello "world"\n', citations: [cited] })
  })

  test('text that cites nothing says nothing of citations', () => {
    expect(block({ type: 'text', text: 'x', citations: null }).text()).toBe('{"type":"text","text":"x"}')
  })

  test('thinking with its signature, and thinking that is not shown', () => {
    const start = { type: 'thinking', thinking: '', signature: '' }
    const signature = { type: 'signature_delta', signature: 'c2lnbmVk' }
    expect(JSON.parse(block(start, { type: 'thinking_delta', thinking: 'Hm.' }, signature).text())).toEqual({
      type: 'thinking',
      thinking: 'Hm.',
      signature: 'c2lnbmVk',
    })
    expect(JSON.parse(block(start, signature).text())).toEqual({ ...start, signature: 'c2lnbmVk' })
  })

  test('a tool call, whose numbers keep every digit', () => {
    const { text, input } = block(
      { type: 'tool_use', id: 'toolu_1', name: 'Count', input: {} },
      { type: 'input_json_delta', partial_json: '' },
      { type: 'input_json_delta', partial_json: '{"n":123456789' },
      { type: 'input_json_delta', partial_json: '01234567890}' },
    )
    expect(input()).toBe('{"n":12345678901234567890}')
    expect(text()).toBe(
      '{"type":"tool_use","id":"toolu_1","name":"Count","input":{"n":12345678901234567890}}',
    )
  })

  test('a tool call without arguments, or with half of them, has none', () => {
    const start = { type: 'tool_use', id: 'toolu_1', name: 'Stop', input: {} }
    expect(block(start).input()).toBe('{}')
    for (const half of ['{"query":"dr', '[1]', '"text"', 'null']) {
      expect(block(start, { type: 'input_json_delta', partial_json: half }).input()).toBe('{}')
    }
  })

  test('a kind of block and of delta that is not known yet', () => {
    const start = { type: 'compaction', content: '' }
    const deltas = [
      { type: 'compaction_delta', content: 'so ' },
      { type: 'compaction_delta', content: 'far', final: true },
    ]
    expect(JSON.parse(block(start, ...deltas).text())).toEqual({
      type: 'compaction',
      content: 'so far',
      final: true,
    })
  })
})
