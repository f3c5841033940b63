/** As much of `fetch` as the gateway uses: a URL in text, a body in one piece, and of the answer what is read here. */
import type { Bytes } from './bytes.ts'

export type Send = (url: string, init: Sending) => Promise<Answer>

export interface Sending {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: Bytes | string
  signal?: AbortSignal
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
