/** A client of the gateway: sends requests, hears answers, and judges refusals. */
import { expect } from 'vitest'

export const MODEL = 'claude-opus-5-5'

export type Body = Record<string, unknown>
export type Headers = Readonly<Record<string, string>>

/** The smallest request that is answered. */
export function hello(more: Body = {}): Body {
  return { model: MODEL, max_tokens: 4_096, messages: [{ role: 'user', content: 'hello' }], ...more }
}

/** A request whose last words lead the fake model: `!long 20` and the like. */
export function said(words: string, more: Body = {}): Body {
  return hello({ messages: [{ role: 'user', content: words }], ...more })
}

interface Asking {
  path?: string
  signal?: AbortSignal
}

/** POST of a body, as JSON unless it is text. */
export function ask(
  { url }: { url: string },
  body: unknown,
  headers: Headers,
  { path = '/v1/messages', signal }: Asking = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
}

/** What a refusal has in common with an answer off a raw socket. */
export interface Answer {
  status: number
  headers: { get(name: string): string | null }
  text(): Promise<string>
}

/** Anthropic's envelope, whole: the type that goes with the status, one request id, and nothing of the inside. */
export async function expectRefusal(answer: Answer, status: number, type: string, message: RegExp) {
  const text = await answer.text()
  expect.soft({ status: answer.status, type: answer.headers.get('content-type') }, text).toEqual({
    status,
    type: 'application/json',
  })
  const body: unknown = JSON.parse(text)
  expect(body).toEqual({
    type: 'error',
    error: { type, message: expect.stringMatching(message) },
    request_id: expect.stringMatching(/^req_[0-9a-f]{32}$/),
  })
  expect(answer.headers.get('request-id')).toBe((body as { request_id: string }).request_id)
  if (status === 401) expect(answer.headers.get('x-should-retry')).toBe('false')
  expect(text).not.toMatch(/<html|node_modules|\.ts:\d|\.js:\d|\n\s+at /i)
}

/** One event of a stream. */
export interface Event {
  name: string
  data: { type: string; [key: string]: unknown }
}

/** Server-sent events as the Messages API writes them, and no other way. */
export function eventsIn(text: string): Event[] {
  const blocks = text.split('\n\n')
  expect(blocks.pop(), 'the stream ends with an empty line').toBe('')
  return blocks.map((block) => {
    const [, name = '', data = ''] = /^event: ([a-z_]+)\ndata: (\{[^\n]*\})$/.exec(block) ?? []
    expect(name, block).not.toBe('')
    return { name, data: JSON.parse(data) }
  })
}
