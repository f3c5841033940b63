/**
 * Server-sent events as the Messages API writes them. Every event carries its `event:` line: Claude Code and the
 * SDKs go by it and drop an event that has none. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { envelope, type GatewayError } from '../errors.ts'
import type { Bytes } from './bytes.ts'
import type { StreamEvent } from './messages.ts'

const encoder = new TextEncoder()
const LINE_FEED = 0x0a

/** The bytes of several events, as one chunk. */
export function frames(events: readonly StreamEvent[]): Bytes {
  let length = 0
  for (const { type, data } of events) length += beforeData(type).length + data.length + 2
  const bytes = new Uint8Array(length)
  let at = 0
  for (const { type, data } of events) {
    const before = beforeData(type)
    bytes.set(before, at)
    at += before.length
    bytes.set(data, at)
    at += data.length
    bytes[at++] = LINE_FEED
    bytes[at++] = LINE_FEED
  }
  return bytes
}

const COMMON = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]
const BEFORE_DATA = new Map(COMMON.map((type) => [type, lineBefore(type)]))

function beforeData(type: string): Uint8Array {
  return BEFORE_DATA.get(type) ?? lineBefore(type)
}

function lineBefore(type: string): Uint8Array {
  return encoder.encode(`event: ${type}\ndata: `)
}

export const PING: Bytes = encoder.encode('event: ping\ndata: {"type":"ping"}\n\n')

/** The last thing a broken stream says. */
export function errorFrame(error: GatewayError, requestId: string): Bytes {
  return encoder.encode(`event: error\ndata: ${JSON.stringify(envelope(error, requestId))}\n\n`)
}
