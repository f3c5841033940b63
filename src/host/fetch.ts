/**
 * The way out over undici's dispatch, on every host alike. On Node the global fetch costs several times as much, and of
 * what undici's own request costs, half goes into streams that are read once, from front to end. Bun's and Deno's cost
 * as much as that, but Bun's sends 256 requests at a time and lets the others wait, Deno's says in words only why it
 * cannot connect, neither gives up connecting, and both go where HTTP_PROXY says. Deadlines are the caller's.
 * https://undici.nodejs.org/#/docs/api/Dispatcher?id=dispatcherdispatchoptions-handler
 */
import { Agent, type Dispatcher } from 'undici/index.js' // by the bare name Bun has a stand-in of its own
import { type Bytes, concat } from '../protocol/bytes.ts'
import type { Halting } from '../protocol/halt.ts'
import type { Answer, Send } from '../protocol/send.ts'

const CONNECT_TIMEOUT = 10_000
const KEEP_ALIVE = 60_000

/** No redirect is followed. */
export function undiciSend(): Send {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT },
    keepAliveTimeout: KEEP_ALIVE,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return (url, { method = 'GET', headers = {}, body, signal }) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const { origin, pathname, search } = new URL(url)
      const { length } = body ?? ''
      const sent = body && length >= LARGE && typeof body !== 'string' ? once(body) : body
      const all = sent === body ? headers : { ...headers, 'content-length': String(length) }
      const asked = {
        origin,
        path: pathname + search,
        method,
        headers: all,
        body: (sent ?? null) as Uint8Array,
      }
      agent.dispatch(asked, answering(resolve, reject, signal))
    })
}

/** A body of this length is let go as soon as it is sent: undici holds what it was given until the answer is over. */
const LARGE = 16 * 1024

function once(body: Bytes): Iterable<Bytes> {
  let held: Bytes | undefined = body
  const next = (): IteratorResult<Bytes> => {
    const value = held
    held = undefined
    return value ? { done: false, value } : { done: true, value: undefined }
  }
  return { [Symbol.iterator]: () => ({ next }) }
}

type Headers = Record<string, string | string[] | undefined>

/** Hears an answer and hands it on. */
function answering(
  resolve: (answer: Answer) => void,
  reject: (error: unknown) => void,
  signal: Halting | undefined,
): Dispatcher.DispatchHandler {
  let body: Body | undefined
  let abort = () => {}
  const over = () => signal?.removeEventListener('abort', abort)
  return {
    onRequestStart(controller) {
      abort = () => controller.abort(signal?.reason as Error)
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    },
    onResponseStart(controller, status, headers) {
      if (status < 200) return // informational: the answer follows
      body = new Body(controller)
      controller.rawHeaders = null // 1.5 KB that would stay for as long as the stream
      resolve(new Answered(status, headers, body))
    },
    onResponseData: (_, chunk) => body?.push(chunk as Bytes),
    onResponseEnd() {
      over()
      body?.end()
    },
    onResponseError(_, error) {
      over()
      if (body) body.fail(error)
      else reject(error)
    },
  }
}

/** Read ahead while nobody asks for more. */
const MOST_HELD = 64 * 1024

type Read = ReadableStreamReadResult<Bytes>

const OVER: Read = { done: true, value: undefined }

/** What has come and was not read yet. Everything that came between two reads is one chunk. */
class Body {
  #controller: Dispatcher.DispatchController
  #held: Bytes[] = []
  #size = 0
  #isOver = false
  #failure: { error: unknown } | undefined
  #waiting: { resolve(read: Read): void; reject(error: unknown): void } | undefined

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller
  }

  push(chunk: Bytes) {
    if (this.#waiting) return this.#answer({ done: false, value: chunk })
    this.#held.push(chunk)
    this.#size += chunk.length
    if (this.#size >= MOST_HELD) this.#controller.pause()
  }

  end() {
    this.#isOver = true
    if (this.#waiting) this.#answer(OVER)
  }

  fail(error: unknown) {
    this.#failure = { error }
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  #answer(read: Read) {
    this.#waiting?.resolve(read)
    this.#waiting = undefined
  }

  getReader() {
    return this
  }

  /** One at a time. What came before a failure is given before it. */
  read(): Promise<Read> {
    const [first, ...more] = this.#held
    if (first) {
      this.#held = []
      this.#size = 0
      this.#controller.resume()
      return Promise.resolve({ done: false, value: more.length === 0 ? first : concat([first, ...more]) })
    }
    if (this.#failure) return Promise.reject(this.#failure.error)
    if (this.#isOver) return Promise.resolve(OVER)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  async cancel() {
    if (!this.#isOver) this.#controller.abort(new Error('the answer is not read any more'))
  }

  async whole(): Promise<Bytes> {
    const parts: Bytes[] = []
    for (let read = await this.read(); !read.done; read = await this.read()) parts.push(read.value)
    return concat(parts)
  }
}

class Answered implements Answer {
  readonly status: number
  readonly body: Body
  #headers: Headers

  constructor(status: number, headers: Headers, body: Body) {
    this.status = status
    this.body = body
    this.#headers = headers
  }

  get ok() {
    return this.status >= 200 && this.status < 300
  }

  get headers() {
    const headers = this.#headers
    return {
      get(name: string) {
        const value = headers[name]
        return Array.isArray(value) ? value.join(', ') : (value ?? null)
      },
    }
  }

  async arrayBuffer() {
    return (await this.body.whole()).buffer
  }

  async text() {
    return new TextDecoder().decode(await this.body.whole())
  }
}
