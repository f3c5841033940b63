/** How an answer is said to a client: event by event, or in one piece. */
import { GatewayError } from '../errors.ts'
import { toBase64 } from '../protocol/base64.ts'
import { type Bytes, concat } from '../protocol/bytes.ts'
import { collector } from '../protocol/collect.ts'
import { encodeFrame } from '../protocol/eventstream.ts'
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

/** The Messages API's own. */
export function messagesVoice(call: Call): Voice {
  return call.stream ? eventByEvent(call.id) : inOnePiece()
}

/** Bedrock's, for clients that believe they speak to InvokeModel. */
export function bedrockVoice(call: Call): Voice {
  return call.stream ? frameByFrame() : inOnePiece()
}

function eventByEvent(requestId: string): Voice {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    say: frames,
    ping: PING,
    end: () => undefined,
    failure: (error) => errorFrame(inStream(error), requestId),
  }
}

/** Inside a stream Claude Code gives up on a rate limit, and tries an overload again. */
function inStream(error: GatewayError): GatewayError {
  return error.type === 'rate_limit_error' ? new GatewayError('overloaded_error', error.message) : error
}

function frameByFrame(): Voice {
  return {
    contentType: 'application/vnd.amazon.eventstream',
    say: (events) => concat(events.map(({ data }) => chunkFrame(data))),
    ping: chunkFrame(encoder.encode('{"type":"ping"}')),
    end: () => undefined,
    failure: exceptionFrame,
  }
}

const JSON_CONTENT = { ':content-type': 'application/json' }

function chunkFrame(data: Uint8Array): Bytes {
  const payload = encoder.encode(`{"bytes":"${toBase64(data)}"}`)
  return encodeFrame({ ':event-type': 'chunk', ...JSON_CONTENT, ':message-type': 'event' }, payload)
}

/** What AWS calls an error inside a stream. */
const EXCEPTIONS: Partial<Record<GatewayError['type'], string>> = {
  invalid_request_error: 'validationException',
  rate_limit_error: 'throttlingException',
  overloaded_error: 'serviceUnavailableException',
  timeout_error: 'modelTimeoutException',
}

function exceptionFrame({ type, message }: GatewayError): Bytes {
  const name = EXCEPTIONS[type] ?? 'internalServerException'
  const payload = encoder.encode(JSON.stringify({ message }))
  return encodeFrame({ ':exception-type': name, ...JSON_CONTENT, ':message-type': 'exception' }, payload)
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
