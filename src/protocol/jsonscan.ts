/** Past the parts of a JSON text, by its bytes. Grammar: https://www.rfc-editor.org/rfc/rfc8259 */
import { GatewayError } from '../errors.ts'
import { hasAt } from './bytes.ts'

export const QUOTE = 0x22
export const COMMA = 0x2c
const COLON = 0x3a
export const BACKSLASH = 0x5c
export const OPEN_ARRAY = 0x5b
export const CLOSE_ARRAY = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d

/** The end of the value that starts at `at`. `open` is lent to note brackets in: whatever it holds is overwritten. */
export function skip(bytes: Uint8Array, at: number, open: number[]): number {
  const first = bytes[at]
  if (first === QUOTE) return pastString(bytes, at)
  return first === OPEN_OBJECT || first === OPEN_ARRAY ? skipNested(bytes, at, open) : pastScalar(bytes, at)
}

/** Iterative, so that no depth of nesting overflows the stack. */
function skipNested(bytes: Uint8Array, at: number, open: number[]): number {
  let depth = 0
  do {
    const first = bytes[at]
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      const inside = white(bytes, at + 1)
      if (bytes[inside] !== closing(first)) {
        open[depth++] = first
        at = first === OPEN_OBJECT ? pastKey(bytes, inside) : inside
        continue
      }
      at = inside + 1
    } else {
      at = first === QUOTE ? pastString(bytes, at) : pastScalar(bytes, at)
    }
    // Out of every bracket that ends with this value, to the next value or the end of the outermost.
    for (; depth > 0; depth--, at++) {
      const bracket = open[depth - 1] as number
      at = white(bytes, at)
      if (bytes[at] === COMMA) {
        at = pastComma(bytes, at, bracket)
        break
      }
      if (bytes[at] !== closing(bracket)) throw notJson(at)
    }
  } while (depth > 0)
  return at
}

/** From a comma to the first byte of the next value within this bracket. */
function pastComma(bytes: Uint8Array, at: number, bracket: number): number {
  const next = white(bytes, at + 1)
  return bracket === OPEN_OBJECT ? pastKey(bytes, next) : next
}

function closing(bracket: number): number {
  return bracket === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY
}

export function white(bytes: Uint8Array, at: number): number {
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

/** From a key's opening quote to the first byte of its value. */
function pastKey(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) throw notJson(at)
  return pastColon(bytes, pastString(bytes, at))
}

export function pastColon(bytes: Uint8Array, at: number): number {
  const colon = white(bytes, at)
  if (bytes[colon] !== COLON) throw notJson(colon)
  return white(bytes, colon + 1)
}

/** A quote ends a string unless an odd number of backslashes stands before it. */
export function pastString(bytes: Uint8Array, at: number): number {
  let quote = at
  for (;;) {
    quote = bytes.indexOf(QUOTE, quote + 1)
    if (quote < 0) throw notJson(bytes.length)
    let backslash = quote - 1
    while (bytes[backslash] === BACKSLASH) backslash--
    if ((quote - backslash) % 2 === 1) return quote + 1
  }
}

const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/

/** Longer than any number that anybody means. */
const LONGEST_SCALAR = 4_096

function pastScalar(bytes: Uint8Array, at: number): number {
  let end = pastDigits(bytes, at)
  if (end > at && isEnd(bytes[end])) return end
  end = pastWord(bytes, at)
  if (end > at && isEnd(bytes[end])) return end
  end = at
  let text = ''
  for (;;) {
    const byte = bytes[end]
    if (byte === undefined || isEnd(byte)) break
    if (end - at > LONGEST_SCALAR) throw notJson(at)
    text += String.fromCharCode(byte)
    end++
  }
  if (!SCALAR.test(text)) throw notJson(at)
  return end
}

/** Past a whole number, which most scalars are: seen by its bytes, without a text. Where there is none, to where it began. */
function pastDigits(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  if (first === ZERO) return at + 1
  let end = at
  for (let byte = first; byte >= ZERO && byte <= NINE; byte = bytes[end] as number) end++
  return end
}

/** Past `true`, `false` or `null`; where there is none, to where it began. */
function pastWord(bytes: Uint8Array, at: number): number {
  const word = WORDS[bytes[at] as number]
  return word && hasAt(bytes, at, word) ? at + word.length : at
}

/** By their first byte. */
const WORDS: Readonly<Record<number, Uint8Array>> = Object.fromEntries(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), new TextEncoder().encode(word)]),
)

const ZERO = 0x30
const NINE = 0x39

/** What may stand behind a scalar. */
function isEnd(byte: number | undefined): boolean {
  return byte === undefined || byte <= 0x20 || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT
}

export function notJson(at: number): GatewayError {
  return new GatewayError('invalid_request_error', `The request body is not valid JSON (at byte ${at}).`)
}
