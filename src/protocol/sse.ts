/**
 * Server-sent events as the Messages API writes them. Every event carries its `event:` line: Claude Code and the
 * SDKs go by it and drop an event that has none. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { envelope, type GatewayError } from '../errors.ts'
import { type Bytes, concat } from './bytes.ts'
import type { StreamEvent } from './messages.ts'

const encoder = new TextEncoder()
const DATA = encoder.encode('\ndata: ')
const END = encoder.encode('\n\n')

/** The bytes of several events, as one chunk. */
export function frames(events: readonly StreamEvent[]): Bytes {
  const parts: Uint8Array[] = []
  for (const event of events) parts.push(eventLine(event.type), DATA, event.data, END)
  return concat(parts)
}

const COMMON = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]
const EVENT_LINES = new Map(COMMON.map((type) => [type, encoder.encode(`event: ${type}`)]))

function eventLine(type: string): Uint8Array {
  return EVENT_LINES.get(type) ?? encoder.encode(`event: ${type}`)
}

export const PING: Bytes = encoder.encode('event: ping\ndata: {"type":"ping"}\n\n')

/** The last thing a broken stream says. */
export function errorFrame(error: GatewayError, requestId: string): Bytes {
  return encoder.encode(`event: error\ndata: ${JSON.stringify(envelope(error, requestId))}\n\n`)
}
