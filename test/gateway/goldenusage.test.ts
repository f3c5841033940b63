/** Usage as the APIs word it, what it comes to by hand, and the same in a stream as in one piece. */
import { describe, expect, test } from 'vitest'
import { priceBook } from '../../src/gateway/prices/book.ts'
import { tallier } from '../../src/gateway/tally.ts'
import { type StreamEvent, usageFrom, type WireUsage } from '../../src/protocol/messages.ts'

const NOW = Date.UTC(2026, 10, 20)
const encoder = new TextEncoder()
const event = (type: string, data: object): StreamEvent => ({
  type,
  data: encoder.encode(JSON.stringify({ type, ...data })),
})

interface Golden {
  name: string
  ran: { provider: string; model: string; regionClass: string }
  /** Of the answer in one piece. */
  whole: WireUsage & Record<string, unknown>
  /** Of `message_start` and `message_delta`. */
  start: object
  delta: object
  /** Nano-dollars. */
  cost: number
}

const bedrock = (model: string, regionClass = 'us') => ({ provider: 'bedrock', model, regionClass })

const GOLDEN: Golden[] = [
  {
    name: 'Anthropic, both kinds of cache write: input_tokens holds neither writes nor reads',
    ran: { provider: 'anthropic', model: 'claude-opus-5-5', regionClass: 'global' },
    whole: {
      input_tokens: 21,
      cache_creation_input_tokens: 188_086 + 1_000,
      cache_read_input_tokens: 5_000,
      cache_creation: { ephemeral_5m_input_tokens: 188_086, ephemeral_1h_input_tokens: 1_000 },
      output_tokens: 393,
      service_tier: 'standard',
    },
    start: {
      input_tokens: 21,
      cache_creation_input_tokens: 189_086,
      cache_read_input_tokens: 5_000,
      cache_creation: { ephemeral_5m_input_tokens: 188_086, ephemeral_1h_input_tokens: 1_000 },
      output_tokens: 1,
      service_tier: 'standard',
    },
    delta: { output_tokens: 393 },
    // 21*4 + 188086*5 + 1000*8 + 5000*0.2 + 393*20 micro-dollars
    cost: (84 + 940_430 + 8_000 + 1_000 + 7_860) * 1_000,
  },
  {
    name: 'Bedrock, a delta that repeats everything, cumulative',
    ran: bedrock('claude-sonnet-4-5'),
    whole: {
      input_tokens: 3,
      cache_creation_input_tokens: 12_304,
      cache_read_input_tokens: 0,
      output_tokens: 512,
    },
    start: {
      input_tokens: 3,
      cache_creation_input_tokens: 12_304,
      cache_read_input_tokens: 0,
      output_tokens: 4,
    },
    delta: {
      input_tokens: 3,
      cache_creation_input_tokens: 12_304,
      cache_read_input_tokens: 0,
      output_tokens: 512,
    },
    // (3*3 + 12304*3.75 + 512*15) micro-dollars, and a tenth
    cost: ((9 + 46_140 + 7_680) * 1_000 * 11) / 10,
  },
  {
    name: 'a total that the breakdown does not account for is five-minute writes, not nothing',
    ran: bedrock('claude-opus-5', 'global'),
    whole: {
      input_tokens: 10,
      cache_creation_input_tokens: 2_000,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 500 },
      output_tokens: 0,
    },
    start: {
      input_tokens: 10,
      cache_creation_input_tokens: 2_000,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 500 },
      output_tokens: 0,
    },
    delta: { output_tokens: 0 },
    // 10*5 + 1500*6.25 + 500*10 micro-dollars
    cost: (50 + 9_375 + 5_000) * 1_000,
  },
  {
    name: 'Vertex, a delta with figures that were not known at the start (server tools), and nulls',
    ran: { provider: 'vertex', model: 'claude-haiku-4-5', regionClass: 'region' },
    whole: {
      input_tokens: 2_500,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 9_000,
      output_tokens: 800,
      server_tool_use: { web_search_requests: 2 },
    },
    start: {
      input_tokens: 500,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 4_000,
      output_tokens: 2,
    },
    delta: {
      input_tokens: 2_500,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 9_000,
      output_tokens: 800,
      server_tool_use: { web_search_requests: 2 },
      cache_creation: null,
    },
    // (2500*1 + 9000*0.1 + 800*5) micro-dollars, and a tenth
    cost: ((2_500 + 900 + 4_000) * 1_000 * 11) / 10,
  },
  {
    name: 'Haiku 5.5, a prompt that is long by what it reads from the cache',
    ran: bedrock('claude-haiku-5-5', 'global'),
    whole: { input_tokens: 1_000, cache_read_input_tokens: 99_001, output_tokens: 100 },
    start: { input_tokens: 1_000, cache_read_input_tokens: 99_001, output_tokens: 1 },
    delta: { output_tokens: 100 },
    // 1000*0.5 + 99001*0.05 + 100*2.5 micro-dollars
    cost: 500_000 + 4_950_050 + 250_000,
  },
]

describe('usage as it comes', () => {
  const book = priceBook([])

  test.each(GOLDEN)('$name', ({ ran, whole, start, delta, cost }) => {
    expect(book.charge(usageFrom(whole), ran, NOW)).toBe(cost)
    const stream = tallier()
    stream.see([event('message_start', { message: { usage: start } })])
    stream.see([event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: delta })])
    stream.see([event('message_stop', {})])
    const { usage, source, tier } = stream.tally()
    expect([source, tier]).toEqual(['final', ''])
    expect(book.charge(usage, ran, NOW)).toBe(cost)
  })

  test.each([
    [{ service_tier: 'priority' }, {}, 'priority'],
    [{ service_tier: 'standard' }, { service_tier: 'batch' }, 'batch'],
    [{ service_tier: 'standard', speed: 'fast' }, { speed: 'fast' }, 'fast'],
    [{ service_tier: null }, { service_tier: 7 }, ''],
    [{ speed: 'standard' }, {}, ''],
  ])('%j, then %j, is the tier %j', (start, delta, expected) => {
    const stream = tallier()
    stream.see([event('message_start', { message: { usage: start } })])
    stream.see([event('message_delta', { usage: delta })])
    expect(stream.tally().tier).toBe(expected)
  })
})
