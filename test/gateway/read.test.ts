import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/config.ts'
import { read, requireMaxTokens } from '../../src/gateway/read.ts'
import { callOf } from '../providers/call.ts'

const ARRIVAL = { id: 'req_1', startedAt: 0 }
const SMALL = { limits: { ...LIMITS, bodyBytes: 1_000 } }
const url = 'http://gateway.test/'
const good = { model: 'claude-opus-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }

describe('a body', () => {
  test.each([
    [{ ...good, model: undefined }, 'model: Field required'],
    [{ ...good, model: 7 }, 'model: Input should be a valid string'],
    [{ ...good, model: null }, 'model: Input should be a valid string'],
    [{ ...good, model: '' }, 'model: Input should be a valid string'],
    [{ ...good, model: 'x'.repeat(20_000) }, 'model: Input should be a valid string'],
    [{ ...good, messages: undefined }, 'messages: Field required'],
    [{ ...good, messages: 'hi' }, 'messages: Input should be a valid array'],
    [{ ...good, messages: ['hi'] }, 'messages.0: Input should be a valid dictionary or object'],
    [{ ...good, messages: [{ content: 'hi' }] }, 'messages.0.role: Field required'],
    [{ ...good, messages: [{ role: 1 }] }, 'messages.0.role: Input should be a valid string'],
    [{ ...good, stream: 'yes' }, 'stream: Input should be a valid boolean'],
    [{ ...good, anthropic_beta: 'one' }, 'anthropic_beta: Input should be a list of strings'],
    [[good], 'The request body must be a JSON object.'],
    ['"text"', 'The request body must be a JSON object.'],
    ['', 'The request body is empty.'],
    ['{"model":', 'The request body is not valid JSON (at byte 9).'],
  ])('%.60j is refused in words', async (body, message) => {
    await expect(callOf(body)).rejects.toMatchObject({ type: 'invalid_request_error', message })
  })

  test.each([undefined, null, 0, -1, 1.5, '9', true])(
    'max_tokens %j will not do for an answer',
    async (max_tokens) => {
      const call = await callOf({ ...good, max_tokens })
      expect(() => requireMaxTokens(call)).toThrow(/^max_tokens: /)
    },
  )

  test('that says it is too long is refused unread', async () => {
    let pulled = 0
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(100))
        },
      },
      { highWaterMark: 0 },
    )
    const headers = { 'content-length': '1001' }
    const request = new Request(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    await expect(read(request, ARRIVAL, SMALL)).rejects.toMatchObject({
      type: 'request_too_large',
      status: 413,
    })
    expect(pulled).toBe(0)
  })

  test('that turns out to be too long is read no further', async () => {
    let pulled = 0
    let cancelled = false
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(100))
        },
        cancel() {
          cancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    const request = new Request(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    await expect(read(request, ARRIVAL, SMALL)).rejects.toMatchObject({ status: 413 })
    expect(pulled).toBeLessThanOrEqual(12)
    expect(cancelled).toBe(true)
  })

  test("that breaks off is the sender's fault, not ours", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('socket hang up')) })
    const request = new Request(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    await expect(read(request, ARRIVAL, SMALL)).rejects.toMatchObject({ type: 'invalid_request_error' })
  })
})

describe('a call', () => {
  test('carries what the rooms read', async () => {
    const headers = {
      'anthropic-beta': 'b-1,  b-2',
      'x-claude-code-session-id': 's',
      'x-claude-code-agent-id': 'a',
      'x-claude-code-parent-agent-id': 'p'.repeat(129),
    }
    const call = await callOf({ ...good, stream: true, anthropic_beta: ['b-2', 'b-3'] }, { headers })
    expect(call).toMatchObject({
      model: 'claude-opus-5-5',
      stream: true,
      betas: ['b-1', 'b-2', 'b-3'],
      session: 's',
      agent: 'a',
    })
    expect(call.parentAgent).toBeUndefined()
  })

  test('streams only when the body says true: absent and null are no', async () => {
    expect((await callOf(good)).stream).toBe(false)
    expect((await callOf({ ...good, stream: null })).stream).toBe(false)
  })

  test("unknown fields and headers are nobody's business", async () => {
    const call = await callOf(
      { ...good, a_field_from_next_year: { x: 1 } },
      { headers: { 'x-unknown': 'y' } },
    )
    expect(call.model).toBe('claude-opus-5-5')
  })
})
