/** What is said to one client, asked for piece by piece, and the stream that hosts take it as. */
import type { Bytes } from '../protocol/bytes.ts'

export interface Speech {
  /** The next bytes, undefined at the end; one question at a time. Rejects where it breaks off without a word. */
  next(): Promise<Bytes | undefined>
  /** Nobody listens any more. */
  cancel(): void
}

/** What puts words into a speech. */
export interface Speaker {
  speech: Speech
  /** Said to whoever waits, else kept for the next question. */
  say(bytes: Bytes): void
  close(): void
  fail(error: unknown): void
}

interface Listener {
  resolve(bytes: Bytes | undefined): void
  reject(error: unknown): void
}

/**
 * @param pull asked for more when somebody waits and nothing is there; not again before it is over
 * @param left told when nobody listens any more
 */
export function speaker(pull: () => Promise<void>, left: () => void): Speaker {
  const kept: Bytes[] = []
  let listener: Listener | undefined
  let isPulling = false
  let end: { error?: unknown } | undefined

  function more() {
    isPulling = true
    void pull().then(pulled)
  }

  function pulled() {
    isPulling = false
    if (listener && !end) more()
  }

  function over(how: { error?: unknown }) {
    end ??= how
    if (listener) answer(listener)
    listener = undefined
  }

  function answer({ resolve, reject }: Listener) {
    if (end && 'error' in end) reject(end.error)
    else resolve(undefined)
  }

  return {
    speech: {
      next() {
        const first = kept.shift()
        if (first) return Promise.resolve(first)
        return new Promise((resolve, reject) => {
          const asks = { resolve, reject }
          if (end) return answer(asks)
          listener = asks
          if (!isPulling) more()
        })
      },
      cancel() {
        left()
        over({})
      },
    },
    say(bytes) {
      const asks = listener
      listener = undefined
      if (asks) asks.resolve(bytes)
      else kept.push(bytes)
    },
    close: () => over({}),
    fail: (error) => over({ error }),
  }
}

/** As the standard has it: pulled, nothing read ahead. */
export function webStream(speech: Speech): ReadableStream<Bytes> {
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        const bytes = await speech.next()
        if (bytes) controller.enqueue(bytes)
        else controller.close()
      },
      cancel: () => speech.cancel(),
    },
    { highWaterMark: 0 },
  )
}
