/**
 * AWS event stream: bytes to frames. https://smithy.io/2.0/aws/amazon-eventstream.html
 *
 *     u32 total length | u32 headers length | u32 CRC of those 8 bytes | headers | payload | u32 CRC of all before it
 *
 * All numbers are big-endian. A frame may be cut anywhere by the wire, and several may share a read.
 */
import { GatewayError } from '../errors.ts'
import { type Bytes, concat, hasAt } from './bytes.ts'
import { crc32 } from './crc32.ts'

const PRELUDE = 12
const OVERHEAD = 16
/** The specification's limits: 128 KiB of headers, 24 MiB of payload. */
const MAX_HEADERS = 128 * 1024
const MAX_FRAME = 24 * 1024 * 1024 + MAX_HEADERS + OVERHEAD

/** String headers only: `:message-type`, `:event-type`, `:exception-type` and their like. */
export type FrameHeaders = ReadonlyMap<string, string>

/**
 * Takes a frame. Its payload is `bytes[start, end)` of what was read: what must outlive the next read is copied. The
 * same headers are the same map.
 */
export type TakeFrame = (headers: FrameHeaders, bytes: Uint8Array, start: number, end: number) => void

export interface FrameDecoder {
  /**
   * Hands over every frame that is complete now.
   * @throws GatewayError api_error at a damaged frame, after it has given those before it.
   */
  push(chunk: Uint8Array, take: TakeFrame): void
  /** @throws GatewayError api_error when a frame was left incomplete. */
  end(): void
}

/** A decoder for one stream, with the runtime's own checksum where it has one. */
export function frameDecoder(checksum = (bytes: Uint8Array) => crc32(bytes, 0, bytes.length)): FrameDecoder {
  const headersAt = headerReader()
  let parts: Uint8Array[] = []
  let held = 0
  let wanted = PRELUDE

  function push(chunk: Uint8Array, take: TakeFrame) {
    held += chunk.length
    parts.push(chunk)
    if (held < wanted) return // joined only when a frame is complete: many small reads stay linear
    const bytes = parts.length === 1 ? plain(chunk) : concat(parts)
    let at = 0
    wanted = PRELUDE
    while (bytes.length - at >= PRELUDE) {
      const length = frameLength(bytes, at)
      if (bytes.length - at < length) {
        wanted = length
        break
      }
      const end = at + length
      if (checksum(bytes.subarray(at, end - 4)) !== u32(bytes, end - 4))
        throw damaged('a frame fails its checksum')
      const payload = at + PRELUDE + u32(bytes, at + 4)
      take(headersAt(bytes, at + PRELUDE, payload), bytes, payload, end - 4)
      at += length
    }
    held = bytes.length - at
    parts = held === 0 ? [] : [bytes.subarray(at)]
  }

  function end() {
    if (held > 0) throw damaged(`it ended ${held} bytes into a frame`)
  }

  return { push, end }
}

/** The same bytes as an array that is nothing but that: a stretch of a Buffer of Node's costs three times as much. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Judges a frame's length before a byte of it is waited for, so that a damaged one cannot stall the stream. */
function frameLength(bytes: Uint8Array, at: number): number {
  if (crc32(bytes, at, at + 8) !== u32(bytes, at + 8)) throw damaged('a frame prelude fails its checksum')
  const length = u32(bytes, at)
  const headers = u32(bytes, at + 4)
  if (length < OVERHEAD || length > MAX_FRAME || headers > MAX_HEADERS || headers > length - OVERHEAD) {
    throw damaged(`a frame claims ${length} bytes with ${headers} of headers`)
  }
  return length
}

const encoder = new TextEncoder()

/** One frame with string headers, as AWS's services send them. */
export function encodeFrame(headers: Readonly<Record<string, string>>, payload: Uint8Array): Bytes {
  const head = concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)))
  const frame = new Uint8Array(OVERHEAD + head.length + payload.length)
  const view = new DataView(frame.buffer)
  view.setUint32(0, frame.length)
  view.setUint32(4, head.length)
  view.setUint32(8, crc32(frame, 0, 8))
  frame.set(head, PRELUDE)
  frame.set(payload, PRELUDE + head.length)
  view.setUint32(frame.length - 4, crc32(frame, 0, frame.length - 4))
  return frame
}

function encodeHeader(name: string, value: string): Bytes {
  const [key, text] = [encoder.encode(name), encoder.encode(value)]
  return concat([
    Uint8Array.of(key.length),
    key,
    Uint8Array.of(STRING, text.length >> 8, text.length & 0xff),
    text,
  ])
}

const STRING = 7
/** How many bytes a header's value takes, by its type; 6 (bytes) and 7 (string) say their own length. */
const VALUE_SIZE = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]

/** One frame's headers are nearly always the ones of the frame before: read once, then known by their bytes. */
function headerReader(): typeof headersIn {
  let last: Uint8Array | undefined
  let headers = new Map<string, string>()
  return (bytes, at, end) => {
    if (last?.length !== end - at || !hasAt(bytes, at, last)) {
      headers = headersIn(bytes, at, end)
      last = Uint8Array.from(bytes.subarray(at, end))
    }
    return headers
  }
}

function headersIn(bytes: Uint8Array, at: number, end: number): Map<string, string> {
  const headers = new Map<string, string>()
  while (at < end) {
    const nameEnd = at + 1 + (bytes[at] ?? 0)
    const type = bytes[nameEnd] ?? -1
    let value = nameEnd + 1
    let size = VALUE_SIZE[type]
    if (size === undefined) {
      if (type !== 6 && type !== STRING) throw damaged(`a header has the unknown type ${type}`)
      size = ((bytes[value] ?? 0) << 8) | (bytes[value + 1] ?? 0)
      value += 2
    }
    if (value + size > end) throw damaged('a header runs past its frame')
    if (type === STRING) headers.set(text(bytes, at + 1, nameEnd), text(bytes, value, value + size))
    at = value + size
  }
  return headers
}

const decoder = new TextDecoder()

function text(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end))
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  )
}

function damaged(how: string): GatewayError {
  return new GatewayError('api_error', `The upstream sent a damaged event stream: ${how}.`)
}
