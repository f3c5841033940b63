/** Clients that hang up: each on a connection of its own, at a moment of the caller's choosing. */
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Body, type Headers, MODEL } from './caller.ts'

export interface Caller {
  /** Resolves with the first bytes of the answer. */
  answered: Promise<void>
  /** Resolves when the connection is gone, whoever closed it. */
  over: Promise<void>
  hangUp(): void
  /** Hangs up so that it cannot be taken for having no more to say, which HTTP allows a client that still listens. */
  reset(): void
}

/** A stream under way; its words lead the fake model. */
export function stream(port: number, key: string, words: string, more: Body = {}, own: Headers = {}): Caller {
  const body = JSON.stringify({
    model: MODEL,
    max_tokens: 4_096,
    stream: true,
    messages: [{ role: 'user', content: words }],
    ...more,
  })
  const headers = { 'x-api-key': key, 'content-type': 'application/json', ...own }
  const sent = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/v1/messages',
    agent: false,
    headers,
  })
  const answered = new Promise<void>((resolve) => {
    sent.once('response', (answer) => {
      answer.on('error', () => {})
      answer.on('data', () => resolve())
    })
  })
  const over = new Promise<void>((resolve) => {
    sent.once('close', resolve)
  })
  sent.on('error', () => {})
  sent.end(body)
  return {
    answered,
    over,
    hangUp: () => void sent.destroy(),
    reset: () => void sent.socket?.resetAndDestroy(),
  }
}

/** Hangs up after so many milliseconds, if it is not over by then. */
export async function hungUp(caller: Caller, after: number): Promise<void> {
  const patience = new AbortController()
  await Promise.race([caller.over, sleep(after, undefined, { signal: patience.signal }).catch(() => {})])
  patience.abort()
  caller.hangUp()
  await caller.over
}
