/**
 * A stream of Messages events, pulled. Each pull gives every event that one read of the wire completed, so that
 * several go out as one chunk and none is held back.
 */

import { GatewayError } from '../errors.ts'
import type { StreamEvent } from './messages.ts'
import type { AnswerBody } from './send.ts'

export interface Events {
  /**
   * The next events, never an empty list; undefined when the wire ended cleanly.
   * @throws GatewayError when the wire breaks, says an error, or cannot be read.
   */
  next(): Promise<StreamEvent[] | undefined>
  /** Lets go of the wire. */
  cancel(): void
}

/** Turns bytes into events, keeping what is incomplete between calls. */
export interface EventDecoder {
  push(chunk: Uint8Array, take: (event: StreamEvent) => void): void
  /** Called at the end of the wire. Throws when bytes are left over. */
  end(): void
}

type Read = ReadableStreamReadResult<Uint8Array>

/** Reads events off a response body. `abort` closes the connection behind it. */
export function readEvents(
  body: Pick<AnswerBody, 'getReader'>,
  decoder: EventDecoder,
  abort: () => void,
): Events {
  const reader = body.getReader()
  let failure: unknown
  // No async function where one read is enough: what one keeps while it waits is 500 bytes of every silent stream.
  const next = (): Promise<StreamEvent[] | undefined> =>
    failure ? Promise.reject(failure) : reader.read().then(some, wireBroke)

  function some(read: Read) {
    const events = taken(read)
    return events?.length === 0 ? untilSome() : events
  }

  async function untilSome() {
    for (;;) {
      const events = taken(await reader.read().catch(wireBroke))
      if (events?.length !== 0) return events
    }
  }

  /** The events that this read completes, if any; undefined at the end. */
  function taken({ done, value }: Read): StreamEvent[] | undefined {
    if (done) {
      decoder.end()
      return undefined
    }
    const events: StreamEvent[] = []
    try {
      decoder.push(value, (event) => void events.push(event))
    } catch (error) {
      // What came before the fault has been said: it is passed on first.
      if (events.length === 0) throw error
      failure = error
    }
    return events
  }
  return { next, cancel: abort }
}

function wireBroke(cause: unknown): never {
  throw new GatewayError(
    'api_error',
    'The connection to the upstream broke before the answer was complete.',
    {
      cause,
    },
  )
}

/** The same events, with the outcome of a `next` already under way in front. */
export function startingWith(first: Promise<StreamEvent[] | undefined>, events: Events): Events {
  let pending: Promise<StreamEvent[] | undefined> | undefined = first
  return {
    next() {
      const head = pending ?? events.next()
      pending = undefined
      return head
    },
    cancel: events.cancel,
  }
}
