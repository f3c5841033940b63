/** Base64. Decoded from bytes to bytes, without the detour over two strings. https://www.rfc-editor.org/rfc/rfc4648#section-4 */
import { GatewayError } from '../errors.ts'
import type { Bytes } from './bytes.ts'

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const PADDING = 0x3d
const INVALID = 0xff
/** What each letter stands for; above 63 where it is none. */
export const SEXTETS: Uint8Array = sextets()

function sextets(): Uint8Array {
  const table = new Uint8Array(256).fill(INVALID)
  for (const [value, letter] of ALPHABET.entries()) table[letter] = value
  return table
}

/**
 * The bytes that `text[start, end)` stands for, written into `room` from `from` on where that is long enough: an
 * array of its own costs as much as decoding a short event does.
 * @throws GatewayError api_error where that is not base64.
 */
export function fromBase64(text: Uint8Array, start: number, end: number, room?: Bytes, from = 0): Bytes {
  while (end > start && text[end - 1] === PADDING) end--
  const length = Math.floor(((end - start) * 3) / 4)
  const fits = room !== undefined && room.length - from >= length
  const bytes = fits ? room.subarray(from, from + length) : new Uint8Array(length)
  let at = start
  let out = 0
  let seen = 0
  for (const last = end - 3; at < last; at += 4) {
    const a = SEXTETS[text[at] as number] as number
    const b = SEXTETS[text[at + 1] as number] as number
    const c = SEXTETS[text[at + 2] as number] as number
    const d = SEXTETS[text[at + 3] as number] as number
    seen |= a | b | c | d
    bytes[out++] = (a << 2) | (b >> 4)
    bytes[out++] = (b << 4) | (c >> 2)
    bytes[out++] = (c << 6) | d
  }
  if (at < end) {
    const a = SEXTETS[text[at] as number] as number
    const b = at + 1 < end ? (SEXTETS[text[at + 1] as number] as number) : 0
    const c = at + 2 < end ? (SEXTETS[text[at + 2] as number] as number) : 0
    seen |= a | b | c
    if (out < length) bytes[out++] = (a << 2) | (b >> 4)
    if (out < length) bytes[out++] = (b << 4) | (c >> 2)
  }
  if (seen & 0xc0 || (end - start) % 4 === 1) {
    throw new GatewayError('api_error', 'The upstream sent an event that is not base64.')
  }
  return bytes
}

/** By table: `btoa` on megabytes blocks the event loop ten times as long. */
export function toBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING)
  let out = 0
  for (let at = 0; at < bytes.length; at += 3) {
    const bits = ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    text[out++] = ALPHABET[bits >> 18] as number
    text[out++] = ALPHABET[(bits >> 12) & 63] as number
    if (at + 1 < bytes.length) text[out++] = ALPHABET[(bits >> 6) & 63] as number
    if (at + 2 < bytes.length) text[out++] = ALPHABET[bits & 63] as number
  }
  return new TextDecoder().decode(text)
}
