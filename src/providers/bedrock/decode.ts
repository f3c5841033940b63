/**
 * InvokeModel's answers, made canonical. A stream is AWS event stream whose every `chunk` frame holds one Messages
 * event in base64, beside a padding `p` of random length that hides how long the text is.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html
 */
import { apiStreamError } from '../../protocol/apierrors.ts'
import { fromBase64 } from '../../protocol/base64.ts'
import { hasAt } from '../../protocol/bytes.ts'
import { eventIn, unreadable, upstreamOutline } from '../../protocol/events.ts'
import { type FrameHeaders, frameDecoder } from '../../protocol/eventstream.ts'
import type { Hashes } from '../../protocol/hashes.ts'
import { member } from '../../protocol/json.ts'
import type { StreamEvent } from '../../protocol/messages.ts'
import type { About } from '../../protocol/refusals.ts'
import type { EventDecoder } from '../../protocol/streams.ts'
import { deltaIn, type Room } from './deltas.ts'
import { frameRefusal, refusalError } from './errors.ts'

/** A decoder for one answer. The client is told that it got the model it asked for. */
export function bedrockDecoder(about: About, { crc32 }: Pick<Hashes, 'crc32'> = {}): EventDecoder {
  const frames = frameDecoder(crc32)
  let seen: FrameHeaders | undefined
  let isChunk = false
  return {
    push(chunk, take) {
      // All events of one read go out together, so they share one piece of memory: base64 takes a third more.
      const room = { bytes: new Uint8Array((chunk.length * 3) >> 2), taken: 0 }
      frames.push(chunk, (headers, bytes, start, end) => {
        if (headers !== seen) {
          seen = headers
          isChunk = headers.get(':message-type') === 'event' && headers.get(':event-type') === 'chunk'
        }
        const delta = isChunk ? deltaIn(bytes, start, end, room) : undefined
        const event = delta ?? eventOf(headers, bytes.subarray(start, end), about, room)
        if (event) take(event)
      })
    },
    end: frames.end,
  }
}

function eventOf(
  headers: FrameHeaders,
  payload: Uint8Array,
  about: About,
  room: Room,
): StreamEvent | undefined {
  const type = headers.get(':message-type')
  if (type === 'exception' || type === 'error') throw refusalError(frameRefusal(headers, payload), about)
  if (type !== 'event' || headers.get(':event-type') !== 'chunk') return undefined
  const { start, end } = base64In(payload)
  const bytes = fromBase64(payload, start, end, room.bytes, room.taken)
  if (bytes.buffer === room.bytes.buffer) room.taken += bytes.length
  const event = eventIn(bytes, { told: about.model })
  if (event?.type === 'error') throw apiStreamError(event.data, about)
  return event
}

const BYTES_FIRST = new TextEncoder().encode('{"bytes":"')
const QUOTE = 0x22

/** Where the base64 stands in `{"bytes":"…","p":"…"}`, without parsing it where it is written as it always is. */
function base64In(payload: Uint8Array): { start: number; end: number } {
  if (hasAt(payload, 0, BYTES_FIRST)) {
    const end = payload.indexOf(QUOTE, BYTES_FIRST.length)
    if (end > 0) return { start: BYTES_FIRST.length, end }
  }
  const value = member(upstreamOutline(payload, { bytes: true }), 'bytes')
  if (payload[value?.start ?? 0] !== QUOTE || !value) throw unreadable('a chunk carries no bytes')
  return { start: value.start + 1, end: value.end - 1 }
}
