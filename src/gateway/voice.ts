/** How an answer is said to a client: event by event, or in one piece. */
import type { GatewayError } from '../errors.ts'
import type { Bytes } from '../protocol/bytes.ts'
import { collector } from '../protocol/collect.ts'
import type { Call, StreamEvent } from '../protocol/messages.ts'
import { errorFrame, frames, PING } from '../protocol/sse.ts'

export interface Voice {
  contentType: string
  /** What these events say now, if anything. */
  say(events: readonly StreamEvent[]): Bytes | undefined
  /** What fills a silence. */
  ping: Bytes
  /** What is said at the end. */
  end(): Bytes | undefined
  /** What is said when it breaks off; where nothing can be said, the connection must break. */
  failure(error: GatewayError): Bytes | undefined
}

export function voiceFor(call: Call): Voice {
  return call.stream ? eventByEvent(call.id) : inOnePiece()
}

function eventByEvent(requestId: string): Voice {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    say: frames,
    ping: PING,
    end: () => undefined,
    failure: (error) => errorFrame(error, requestId),
  }
}

const encoder = new TextEncoder()

/** White space before a JSON text means nothing, and keeps a connection from being taken for dead. */
const SPACE = encoder.encode(' ')

function inOnePiece(): Voice {
  const collected = collector()
  return {
    contentType: 'application/json',
    say(events) {
      collected.add(events)
      return undefined
    },
    ping: SPACE,
    end: () => encoder.encode(collected.message() ?? ''),
    failure: () => undefined,
  }
}
