/**
 * Server-sent events as the Messages API writes them. Every event carries its `event:` line: Claude Code and the
 * SDKs go by it and drop an event that has none. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { envelope, type GatewayError } from '../errors.ts'
import { type Bytes, concat, hasAt } from './bytes.ts'
import type { StreamEvent } from './messages.ts'

const encoder = new TextEncoder()
/** What ends an event. */
export const BEHIND_DATA: Uint8Array = encoder.encode('\n\n')

/** The bytes of several events, as one chunk; those that lie in memory as they are to be said are not copied one by one. */
export function frames(events: readonly StreamEvent[]): Bytes {
  const said: Uint8Array[] = []
  for (let at = 0; at < events.length; ) {
    const run = runFrom(events, at)
    const { type, data } = events[at] as StreamEvent
    if (run === 0) said.push(beforeData(type), data, BEHIND_DATA)
    else said.push(stretch(events[at] as StreamEvent, events[at + run - 1] as StreamEvent))
    at += Math.max(run, 1)
  }
  return said.length === 1 ? (said[0] as Bytes) : concat(said)
}

/** How many events, from this one on, lie one behind the other with what is said around them. */
function runFrom(events: readonly StreamEvent[], from: number): number {
  const { buffer } = (events[from] as StreamEvent).data
  const memory = new Uint8Array(buffer)
  let end = -1
  let at = from
  for (; at < events.length; at++) {
    const { type, data } = events[at] as StreamEvent
    const before = beforeData(type)
    const start = data.byteOffset - before.length
    if (data.buffer !== buffer || (end < 0 ? start < 0 : start !== end)) break
    const behind = data.byteOffset + data.length
    if (!hasAt(memory, start, before) || !hasAt(memory, behind, BEHIND_DATA)) break
    end = behind + BEHIND_DATA.length
  }
  return at - from
}

function stretch(first: StreamEvent, { data }: StreamEvent): Bytes {
  const start = first.data.byteOffset - beforeData(first.type).length
  return new Uint8Array(data.buffer, start, data.byteOffset + data.length + BEHIND_DATA.length - start)
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

/** What an event's data is said after. */
export function beforeData(type: string): Uint8Array {
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
