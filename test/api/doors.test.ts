import { EventStreamCodec } from '@smithy/eventstream-codec'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

const messages = [{ role: 'user', content: '!say hello' }]
const invocation = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 100, messages }

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString(),
  (text) => new Uint8Array(Buffer.from(text)),
)

/** The frames of a body: their headers, and the JSON inside. */
function framesIn(body: Uint8Array) {
  const frames: { headers: Record<string, unknown>; json: { bytes?: string; message?: string } }[] = []
  for (let at = 0; at < body.length; ) {
    const length = new DataView(body.buffer, body.byteOffset + at).getUint32(0)
    const { headers, body: payload } = codec.decode(body.subarray(at, at + length))
    const plain = Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value]))
    frames.push({ headers: plain, json: JSON.parse(Buffer.from(payload).toString()) })
    at += length
  }
  return frames
}
const eventIn = ({ bytes = '' }: { bytes?: string }) => JSON.parse(Buffer.from(bytes, 'base64').toString())

describe("Bedrock's own door", () => {
  const path = '/model/us.anthropic.claude-opus-5'

  test('answers in one piece', async () => {
    const { post, runtime } = await gatewayOn(bedrock)
    const response = await post(invocation, { path: `${path}/invoke` })
    expect(await response.json()).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'hello' }],
    })
    await runtime.settled()
    expect(runtime.rows).toMatchObject([
      { model: 'us.anthropic.claude-opus-5', stream: false, status: 'succeeded' },
    ])
  })

  test('streams in frames that AWS reads', async () => {
    const { post } = await gatewayOn(bedrock)
    const response = await post(invocation, { path: `${path}/invoke-with-response-stream` })
    expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream')
    const frames = framesIn((await response.bytes?.()) ?? new Uint8Array(await response.arrayBuffer()))
    expect(frames[0]?.headers).toEqual({
      ':event-type': 'chunk',
      ':content-type': 'application/json',
      ':message-type': 'event',
    })
    const events = frames.map(({ json }) => eventIn(json))
    expect(events[0]).toMatchObject({
      type: 'message_start',
      message: { model: 'us.anthropic.claude-opus-5' },
    })
    expect(events.at(-1)).toEqual({ type: 'message_stop' })
  })

  test('breaks off with an exception', async () => {
    const { post } = await gatewayOn(bedrock)
    bedrock.script({
      kind: 'exception',
      name: 'throttlingException',
      message: 'Too many tokens',
      after: 4,
      pace: 5,
    })
    const response = await post(invocation, { path: `${path}/invoke-with-response-stream` })
    const last = framesIn(new Uint8Array(await response.arrayBuffer())).at(-1)
    expect(last).toMatchObject({
      headers: { ':message-type': 'exception', ':exception-type': 'throttlingException' },
      json: { message: 'Too many tokens' },
    })
  })

  test.each(['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'us.anthropic.claude-haiku-4-5-20251001-v1%3A0'])(
    'takes the id %s, escaped or not',
    async (id) => {
      const { post } = await gatewayOn(bedrock)
      expect((await post(invocation, { path: `/model/${id}/invoke` })).status).toBe(200)
    },
  )

  test('refuses in both forms', async () => {
    const { post, runtime } = await gatewayOn(bedrock)
    const unknown = await post(invocation, { path: '/model/us.anthropic.claude-none/invoke' })
    expect(unknown.status).toBe(404)
    expect(unknown.headers.get('x-amzn-errortype')).toBe('ResourceNotFoundException')
    expect(await unknown.json()).toMatchObject({
      message: expect.stringContaining('not available'),
      error: { type: 'not_found_error' },
    })
    const stranger = await app.request(`${path}/invoke`, { method: 'POST', body: '{}' }, runtime)
    expect(stranger.status).toBe(401)
    expect(stranger.headers.get('x-amzn-errortype')).toBe('UnrecognizedClientException')
    expect(stranger.headers.get('x-should-retry')).toBe('false')
  })
})

test('/anthropic/v1 is the same as /v1', async () => {
  const { post, runtime, headers } = await gatewayOn(bedrock)
  const body = { model: 'claude-opus-5', max_tokens: 100, messages }
  expect((await post(body, { path: '/anthropic/v1/messages' })).status).toBe(200)
  expect((await post(body, { path: '/anthropic/v1/messages/count_tokens' })).status).toBe(200)
  expect((await app.request('/anthropic/v1/models', { headers }, runtime)).status).toBe(200)
  expect((await app.request('/anthropic/v1/messages', { headers }, runtime)).status).toBe(405)
})

describe('pages of other origins', () => {
  const preflight = async (origin: string, path = '/v1/messages') => {
    const { runtime } = await gatewayOn(bedrock)
    const headers = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-api-key',
    }
    const response = await app.request(path, { method: 'OPTIONS', headers }, runtime)
    return response.headers.get('access-control-allow-origin')
  }

  test("may call when they are Anthropic's", async () => {
    for (const origin of ['https://claude.ai', 'https://office.claude.ai', 'https://a.b.claude.ai']) {
      expect(await preflight(origin)).toBe(origin)
    }
  })

  test('may not otherwise, nor anything but /v1', async () => {
    for (const origin of [
      'https://evilclaude.ai',
      'http://claude.ai',
      'https://claude.ai.evil.test',
      'null',
    ]) {
      expect(await preflight(origin)).toBeNull()
    }
    expect(await preflight('https://claude.ai', '/admin/keys')).toBeNull()
  })
})
