/** Base64. Decoded from bytes to bytes, without the detour over two strings. https://www.rfc-editor.org/rfc/rfc4648#section-4 */
import { GatewayError } from '../errors.ts'
import type { Bytes } from './bytes.ts'

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const PADDING = 0x3d
const INVALID = 0xff
const SEXTETS = sextets()

function sextets(): Uint8Array {
  const table = new Uint8Array(256).fill(INVALID)
  for (const [value, letter] of ALPHABET.entries()) table[letter] = value
  return table
}

/**
 * The bytes that `text[start, end)` stands for.
 * @throws GatewayError api_error where that is not base64.
 */
export function fromBase64(text: Uint8Array, start: number, end: number): Bytes {
  while (end > start && text[end - 1] === PADDING) end--
  const bytes = new Uint8Array(Math.floor(((end - start) * 3) / 4))
  let out = 0
  let bits = 0
  let held = 0
  let seen = 0
  for (let at = start; at < end; at++) {
    const sextet = SEXTETS[text[at] as number] as number
    seen |= sextet
    bits = (bits << 6) | sextet
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[out++] = bits >>> held
    }
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
