import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LIMITS } from '../../src/config.ts'
import { GatewayError } from '../../src/errors.ts'
import { type Ending, meter } from '../../src/gateway/meter.ts'
import { messagesVoice } from '../../src/gateway/voice.ts'
import type { StreamEvent } from '../../src/protocol/messages.ts'
import type { Events } from '../../src/protocol/streams.ts'
import { callOf, routeTo } from '../providers/call.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 20) }))
afterEach(() => void vi.useRealTimers())

const ROUTE = await routeTo('claude-sonnet-4-5')
const event = (value: { type: string; [key: string]: unknown }): StreamEvent => ({
  type: value.type,
  data: new TextEncoder().encode(JSON.stringify(value)),
})
const START = event({
  type: 'message_start',
  message: { usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 } },
})
const DELTA = event({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: 'x'.repeat(300) },
})
const END = event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } })
const STOP = event({ type: 'message_stop' })

type Step = StreamEvent[] | Error | number | 'for ever' | undefined

/** Events by script: a list is given, a number is milliseconds of silence, undefined is the end. */
function scripted(...steps: Step[]): Events & { cancelled: number } {
  let failure: Error | undefined
  const events = {
    cancelled: 0,
    async next(): Promise<StreamEvent[] | undefined> {
      if (failure) throw failure
      const step = steps.shift()
      if (step === 'for ever') return new Promise(() => {})
      if (step instanceof Error) {
        failure = step
        throw step
      }
      if (typeof step !== 'number') return step
      await new Promise((resolve) => setTimeout(resolve, step))
      return events.next()
    },
    cancel() {
      events.cancelled++
    },
  }
  return events
}

async function metered(events: Events) {
  const call = await callOf({ model: 'm', stream: true, messages: [] })
  const { body, ending } = meter({ events, route: ROUTE }, call, messagesVoice(call), {
    now: Date.now,
    limits: LIMITS,
  })
  const reader = ((await body) as ReadableStream<Uint8Array>).getReader()
  const chunks: string[] = []
  const finished = (async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      chunks.push(new TextDecoder().decode(value))
    }
  })()
  return { chunks, ending, reader, finished }
}

const types = (chunks: string[]) => [...chunks.join('').matchAll(/^event: (.*)$/gm)].map(([, type]) => type)

describe('a stream', () => {
  test('goes out as it comes, what came together in one piece, and is counted', async () => {
    const { chunks, ending, finished } = await metered(
      scripted([START, DELTA], [DELTA], [END, STOP], undefined),
    )
    await finished
    expect(chunks).toHaveLength(3)
    expect(types(chunks)).toEqual([
      'message_start',
      'content_block_delta',
      'content_block_delta',
      'message_delta',
      'message_stop',
    ])
    expect(await ending).toMatchObject({
      status: 'succeeded',
      source: 'final',
      stopReason: 'end_turn',
      usage: { input: 10, cacheRead: 5, cacheWrite5m: 0, cacheWrite1h: 0, output: 42 },
      error: undefined,
    } satisfies Partial<Ending>)
  })

  test.each([
    ['ends early', undefined, 'api_error', 'ended its answer before'],
    ['breaks', new GatewayError('timeout_error', 'too slow'), 'timeout_error', 'too slow'],
    [
      "breaks for a reason that is nobody's business",
      new Error('secret detail'),
      'api_error',
      'Internal error',
    ],
  ])('that %s says so in its last event, and forges no message_stop', async (_, how, type, message) => {
    const events = scripted([START], [DELTA], how)
    const { chunks, ending, finished } = await metered(events)
    await finished
    expect(types(chunks)).toEqual(['message_start', 'content_block_delta', 'error'])
    expect(chunks.at(-1)).toContain(`"error":{"type":"${type}","message":"`)
    expect(chunks.at(-1)).toContain(message)
    expect(chunks.at(-1)).toContain('"request_id":"req_test"')
    expect(await ending).toMatchObject({ status: 'failed_midstream', source: 'partial', error: { type } })
    expect(events.cancelled).toBeGreaterThan(0)
  })

  test('is throttled halfway is overloaded to the client, which then tries again, and throttled in the books', async () => {
    const { chunks, ending, finished } = await metered(
      scripted([START], new GatewayError('rate_limit_error', 'Too many tokens')),
    )
    await finished
    expect(chunks.at(-1)).toContain('"error":{"type":"overloaded_error","message":"Too many tokens"}')
    expect(await ending).toMatchObject({ error: { type: 'rate_limit_error' } })
  })

  test('in which the upstream itself says `error` has failed', async () => {
    const said = event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
    const { chunks, ending, finished } = await metered(scripted([START], [said], undefined))
    await finished
    expect(types(chunks)).toEqual(['message_start', 'error'])
    expect(await ending).toMatchObject({ status: 'failed_midstream', error: { type: 'overloaded_error' } })
  })

  test.each([new Error('late'), 'for ever'] as const)(
    'that has said message_stop is whole, whatever comes after: %s',
    async (how) => {
      const { chunks, ending, finished } = await metered(scripted([START, END, STOP], how))
      await vi.advanceTimersByTimeAsync(LIMITS.idleAfter)
      await finished
      expect(types(chunks)).toEqual([
        'message_start',
        'message_delta',
        'message_stop',
        ...(how === 'for ever' ? Array(7).fill('ping') : []),
      ])
      expect(await ending).toMatchObject({ status: 'succeeded', source: 'final' })
    },
  )

  test('whose events cannot be read is passed on and counted as far as it can be', async () => {
    const odd = { type: 'message_start', data: new TextEncoder().encode('not json') }
    const { chunks, ending, finished } = await metered(scripted([odd, DELTA, STOP], undefined))
    await finished
    expect(types(chunks)).toEqual(['message_start', 'content_block_delta', 'message_stop'])
    expect(await ending).toMatchObject({ status: 'succeeded', source: 'partial' })
  })
})

describe('silence', () => {
  test('of the upstream is filled with a ping every fifteen seconds', async () => {
    const { chunks, finished } = await metered(scripted([START], 50_000, [END, STOP], undefined))
    await vi.advanceTimersByTimeAsync(14_999)
    expect(types(chunks)).toEqual(['message_start'])
    await vi.advanceTimersByTimeAsync(1)
    expect(types(chunks)).toEqual(['message_start', 'ping'])
    await vi.advanceTimersByTimeAsync(40_000)
    await finished
    expect(types(chunks)).toEqual(['message_start', 'ping', 'ping', 'ping', 'message_delta', 'message_stop'])
  })

  test('is measured from the last event, not from the first', async () => {
    const { chunks } = await metered(
      scripted([START], 10_000, [DELTA], 10_000, [DELTA], 10_000, [END, STOP], undefined),
    )
    await vi.advanceTimersByTimeAsync(40_000)
    expect(types(chunks)).not.toContain('ping')
  })

  test('of two minutes ends the stream with an error, the pings with it, and lets the upstream go', async () => {
    const events = scripted([START], 'for ever')
    const { chunks, ending, finished } = await metered(events)
    await vi.advanceTimersByTimeAsync(LIMITS.idleAfter)
    await finished
    expect(types(chunks)).toEqual(['message_start', ...Array(7).fill('ping'), 'error'])
    expect(await ending).toMatchObject({ status: 'failed_midstream', error: { type: 'timeout_error' } })
    expect(events.cancelled).toBe(1)
    await vi.advanceTimersByTimeAsync(LIMITS.idleAfter)
    expect(types(chunks).at(-1)).toBe('error')
    expect(vi.getTimerCount()).toBe(0)
  })

  test("of the client is not the upstream's", async () => {
    const events = scripted([START], [DELTA], [END, STOP], undefined)
    const call = await callOf({ model: 'm', stream: true, messages: [] })
    const { body, ending } = meter({ events, route: ROUTE }, call, messagesVoice(call), {
      now: Date.now,
      limits: LIMITS,
    })
    const reader = ((await body) as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    await vi.advanceTimersByTimeAsync(10 * LIMITS.idleAfter)
    expect(events.cancelled).toBe(0)
    for (;;) if ((await reader.read()).done) break
    expect(await ending).toMatchObject({ status: 'succeeded' })
  })
})

describe('a client that hangs up', () => {
  const whole = [[START], [DELTA], [DELTA], [END], [STOP]]

  test.each([0, 1, 2, 3, 4, 5])(
    'after %i events leaves what was spent so far, and the upstream is let go',
    async (after) => {
      const events = scripted(...whole.slice(0, after), 'for ever')
      const { chunks, reader, ending } = await metered(events)
      await vi.advanceTimersByTimeAsync(10)
      expect(types(chunks)).toHaveLength(after)
      await reader.cancel()
      const ended = await ending
      expect(ended.status).toBe(after === 5 ? 'succeeded' : 'cancelled')
      expect(ended.source).toBe(['estimated', 'partial', 'partial', 'partial', 'final', 'final'][after])
      expect(ended.usage.input).toBe(after > 0 ? 10 : 0)
      // 300 characters a delta: at least 100 tokens each, until the upstream has said how many there were.
      expect(ended.usage.output).toBeGreaterThanOrEqual([0, 1, 100, 200, 42, 42][after] ?? 0)
      expect(events.cancelled).toBe(1)
      expect(vi.getTimerCount()).toBe(0)
    },
  )
})
