/** Base64. Decoded from bytes to bytes, without the detour over two strings. https://www.rfc-editor.org/rfc/rfc4648#section-4 */
import { GatewayError } from '../errors.ts'
import type { Bytes } from './bytes.ts'

const INVALID = 0xff
const SEXTETS = sextets()

function sextets(): Uint8Array {
  const table = new Uint8Array(256).fill(INVALID)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let value = 0; value < 64; value++) table[alphabet.charCodeAt(value)] = value
  return table
}

/**
 * The bytes that `text[start, end)` stands for.
 * @throws GatewayError api_error where that is not base64.
 */
export function fromBase64(text: Uint8Array, start: number, end: number): Bytes {
  while (end > start && text[end - 1] === 0x3d) end--
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

/** In slices: a call takes only so many arguments. */
const SLICE = 0x8000

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE))
  }
  return btoa(text)
}
