/** As much of `fetch` as the gateway uses: a URL in text, a body in one piece, and of the answer what is read here. */
import type { Bytes } from './bytes.ts'
import { type Halting, signalOf } from './halt.ts'

export type Send = (url: string, init: Sending) => Promise<Answer>

export interface Sending {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: Bytes | string
  signal?: Halting
  redirect?: 'manual'
}

/** Every Response is one; what a host makes of an answer itself need not be a Response. */
export interface Answer {
  readonly ok: boolean
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
  readonly body: AnswerBody | null
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

export interface AnswerBody {
  getReader(): { read(): Promise<ReadableStreamReadResult<Uint8Array>> }
  cancel(): Promise<void>
}

/** Over a runtime's own fetch. */
export function sendBy(fetch: (url: string, init: RequestInit) => Promise<Response>): Send {
  return (url, { signal, ...init }) =>
    fetch(url, { ...init, ...(signal ? { signal: signalOf(signal) } : {}) } as RequestInit)
}
