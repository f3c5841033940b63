import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { usageFrom } from '../../src/protocol/messages.ts'
import { errorFrame, frames } from '../../src/protocol/sse.ts'
import { estimateTokens } from '../../src/protocol/tokens.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const data = (json: string) => new TextEncoder().encode(json)

describe('usage', () => {
  test('the five buckets are disjoint', () => {
    const wire = {
      input_tokens: 3,
      cache_read_input_tokens: 500,
      cache_creation_input_tokens: 70,
      cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 50 },
      output_tokens: 9,
    }
    expect(usageFrom(wire)).toEqual({
      input: 3,
      cacheRead: 500,
      cacheWrite5m: 20,
      cacheWrite1h: 50,
      output: 9,
    })
  })

  test('cache writes without a breakdown, or beyond it, are five-minute writes: never free', () => {
    expect(usageFrom({ cache_creation_input_tokens: 70 })).toMatchObject({
      cacheWrite5m: 70,
      cacheWrite1h: 0,
    })
    const partly = { cache_creation_input_tokens: 70, cache_creation: { ephemeral_1h_input_tokens: 50 } }
    expect(usageFrom(partly)).toMatchObject({ cacheWrite5m: 20, cacheWrite1h: 50 })
  })

  test('a later event overrides what it mentions and leaves the rest, null meaning not mentioned', () => {
    const start = usageFrom({
      input_tokens: 3,
      cache_read_input_tokens: 5,
      cache_creation: { ephemeral_5m_input_tokens: 7, ephemeral_1h_input_tokens: 8 },
      output_tokens: 1,
    })
    expect(usageFrom({ output_tokens: 40 }, start)).toEqual({ ...start, output: 40 })
    expect(usageFrom({ output_tokens: 40, input_tokens: null, cache_creation: null }, start)).toEqual({
      ...start,
      output: 40,
    })
  })

  test('a later total without a breakdown keeps the breakdown that was told before', () => {
    const start = usageFrom({
      cache_creation_input_tokens: 15,
      cache_creation: { ephemeral_5m_input_tokens: 7, ephemeral_1h_input_tokens: 8 },
    })
    const end = usageFrom({ cache_creation_input_tokens: 15, output_tokens: 2 }, start)
    expect(end).toMatchObject({ cacheWrite5m: 7, cacheWrite1h: 8 })
  })
})

describe('server-sent events', () => {
  test('each carries its name, also one that nobody has heard of', () => {
    const events = [
      { type: 'message_stop', data: data('{"type":"message_stop"}') },
      { type: 'new_thing', data: data('{"type":"new_thing"}') },
    ]
    expect(text(frames(events))).toBe(
      'event: message_stop\ndata: {"type":"message_stop"}\n\nevent: new_thing\ndata: {"type":"new_thing"}\n\n',
    )
  })

  test('an error is the envelope, on one line', () => {
    const frame = text(errorFrame(new GatewayError('overloaded_error', 'two\nlines'), 'req_1'))
    expect(frame).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"two\\nlines"},"request_id":"req_1"}\n\n',
    )
  })
})

describe('estimates', () => {
  test('grow with every part of a request: system, tools, tool inputs, results', () => {
    const small = { messages: [{ role: 'user', content: 'hi' }] }
    const base = estimateTokens(small, 5)
    for (const more of [
      { ...small, system: 'x '.repeat(200) },
      { ...small, tools: [{ name: 'x', description: 'x '.repeat(200) }] },
      {
        messages: [
          ...small.messages,
          { role: 'assistant', content: [{ type: 'tool_use', input: { a: 'x '.repeat(200) } }] },
        ],
      },
    ]) {
      expect(estimateTokens(more, 5)).toBeGreaterThan(base + 130)
    }
  })

  test('an image is a picture, not its base64; a PDF is pages', () => {
    const source = (media: string) => ({ type: 'base64', media_type: media, data: 'A'.repeat(400_000) })
    expect(estimateTokens({ source: source('image/png') }, 4.5)).toBeLessThan(2_000)
    expect(estimateTokens({ source: source('application/pdf') }, 4.5)).toBeGreaterThan(20 * 2_000)
  })
})
