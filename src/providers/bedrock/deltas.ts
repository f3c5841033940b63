/**
 * The frames that nearly all of a stream is made of: a `chunk` whose event is a `content_block_delta`, written as it
 * always is. Each is decoded in one walk to where it is said from, between the words that SSE puts around it, so that
 * the events of one read go on to the client as they lie. Whatever is written otherwise is left to who takes more care.
 */
import { SEXTETS, toBase64 } from '../../protocol/base64.ts'
import { type Bytes, concat, hasAt } from '../../protocol/bytes.ts'
import type { StreamEvent } from '../../protocol/messages.ts'
import { BEHIND_DATA, beforeData } from '../../protocol/sse.ts'

/** What the events of one read share. */
export interface Room {
  bytes: Bytes
  taken: number
}

const TYPE = 'content_block_delta'
const encoder = new TextEncoder()
/** As many bytes as fill their base64, which therefore is the same whatever follows. */
const BEGINNING = encoder.encode(`{"type":"${TYPE}",`)
const PAYLOAD_FIRST = encoder.encode(`{"bytes":"${toBase64(BEGINNING)}`)
const BEFORE = beforeData(TYPE)
const SAID_FIRST = concat([BEFORE, BEGINNING])
const QUOTE = 0x22
const PADDING = 0x3d
const LETTERS = 0x3f
/** Line breaks are below it, and nothing else that JSON holds but tabs. */
const PLAIN = 0x10

/** The delta in `payload[start, end)`; undefined where it is none, or one that is not written plainly. */
export function deltaIn(
  payload: Uint8Array,
  start: number,
  end: number,
  room: Room,
): StreamEvent | undefined {
  if (!hasAt(payload, start, PAYLOAD_FIRST)) return undefined
  const first = room.taken
  const most = SAID_FIRST.length + (((end - start) * 3) >> 2) + BEHIND_DATA.length
  if (room.bytes.length - first < most) return undefined
  room.bytes.set(SAID_FIRST, first)
  const last = decoded(payload, start + PAYLOAD_FIRST.length, end, room.bytes, first + SAID_FIRST.length)
  if (last < 0) return undefined
  room.bytes.set(BEHIND_DATA, last)
  room.taken = last + BEHIND_DATA.length
  return { type: TYPE, data: room.bytes.subarray(first + BEFORE.length, last) }
}

/** Decodes up to the closing quote. Where it came to in `out`; below 0 where there is anything but plain JSON in it. */
function decoded(text: Uint8Array, start: number, end: number, out: Bytes, from: number): number {
  let at = start
  let to = from
  let lowest = 0
  for (const last = end - 4; at < last; at += 4) {
    const a = SEXTETS[text[at] as number] as number
    const b = SEXTETS[text[at + 1] as number] as number
    const c = SEXTETS[text[at + 2] as number] as number
    const d = SEXTETS[text[at + 3] as number] as number
    if ((a | b | c | d) > LETTERS) break
    const bits = (a << 18) | (b << 12) | (c << 6) | d
    const [x, y, z] = [bits >> 16, (bits >> 8) & 0xff, bits & 0xff]
    lowest |= (x - PLAIN) | (y - PLAIN) | (z - PLAIN)
    out[to++] = x
    out[to++] = y
    out[to++] = z
  }
  if (at >= end) return -1
  if (text[at] !== QUOTE) {
    const a = SEXTETS[text[at] as number] as number
    const b = SEXTETS[text[at + 1] as number] as number
    const isLong = text[at + 2] !== PADDING
    const c = isLong ? (SEXTETS[text[at + 2] as number] as number) : 0
    const isEnd = at + 4 < end && text[at + 3] === PADDING && text[at + 4] === QUOTE
    if ((a | b | c) > LETTERS || !isEnd) return -1
    const bits = (a << 10) | (b << 4) | (c >> 2)
    const [x, y] = [bits >> 8, bits & 0xff]
    lowest |= x - PLAIN
    out[to++] = x
    if (isLong) {
      lowest |= y - PLAIN
      out[to++] = y
    }
  }
  return lowest < 0 ? -1 : to
}
