/** One request to an upstream and its answer, with the fetch and the credentials that are lent for it. */

import type { CredentialSource, Credentials } from '../aws.ts'
import type { LimitsConfig } from '../config.ts'
import { GatewayError } from '../errors.ts'
import type { Bytes } from './bytes.ts'
import { codeOf } from './codes.ts'
import { Halt, type Halting } from './halt.ts'
import type { Answer, Send } from './send.ts'

export interface Sent {
  url: string
  headers: Record<string, string>
  body: Bytes
}

/** What is made of an answer that is no success. */
export interface Refused {
  error: GatewayError
  /** The credentials were refused: fresh ones may help. */
  credentials: boolean
}

export interface Exchange<T> {
  /** Who is asked, in sentences: `Amazon Bedrock`. */
  upstream: string
  credentials: CredentialSource
  /** Aborts when nobody waits any more. */
  signal: Halting
  lent: { fetch: Send; limits: LimitsConfig; sent(): void }
  /** The request, as these credentials let it in. */
  request(credentials: Credentials): Promise<Sent>
  refused(response: Answer): Promise<Refused>
  /** What is wanted of a success. `abort` closes the connection. */
  take(response: Answer, abort: () => void): Promise<T>
}

/**
 * Sends; once more, with fresh credentials, where those it got are refused. Ends when the client goes.
 * @throws GatewayError for every answer that is no success, and when there is none in time.
 */
export async function exchange<T>(asked: Exchange<T>): Promise<T> {
  const { credentials: source, signal: left } = asked
  const over = new Halt().after(left, LET_GO)
  const abort = () => over.abort(LET_GO)
  const deadline = setTimeout(() => over.abort(TOO_SLOW), asked.lent.limits.firstByteAfter)
  try {
    for (let retried = false; ; retried = true) {
      const credentials = await source.get()
      const response = await send(asked, await asked.request(credentials), over)
      if (response.ok) return await asked.take(response, abort)
      const refused = await asked.refused(response)
      if (retried || !refused.credentials) throw refused.error
      source.reject(credentials)
    }
  } finally {
    clearTimeout(deadline)
  }
}

async function send<T>({ lent, upstream }: Exchange<T>, { url, ...sent }: Sent, signal: Halting) {
  try {
    const answer = lent.fetch(url, { method: 'POST', ...sent, signal, redirect: 'manual' })
    lent.sent() // what is done at this is done while the request is on its way
    return await answer
  } catch (cause) {
    const why = { cause, operator: codeOf(cause) || undefined }
    const late = () => `${upstream} did not begin to answer in time.`
    if (signal.reason === TOO_SLOW) throw new GatewayError('timeout_error', late(), why)
    const away = { ...why, fault: { name: 'unreachable' } } as const
    throw isTimeout(cause)
      ? new GatewayError('timeout_error', late(), away)
      : new GatewayError('api_error', `The gateway could not reach ${upstream}.`, away)
  }
}

const TOO_SLOW = 'too slow'
/** A reason of our own: that of a host's own signal would be taken for what went wrong on the way. */
const LET_GO = 'let go'

/** What the runtimes' fetches call a connection that nobody answers. */
function isTimeout(error: unknown): boolean {
  return /TIMEOUT|TIMEDOUT/.test(codeOf(error))
}

/** An answer in one piece. */
export async function wholeBody(response: Answer, upstream: string): Promise<Bytes> {
  try {
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    const sentence = `The connection to ${upstream} broke before the answer was complete.`
    throw new GatewayError('api_error', sentence, { cause })
  }
}
