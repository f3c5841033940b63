/**
 * Where things stand in a JSON text. One pass notes the spans of the parts a Shape asks for; nothing is parsed but
 * what is then read. Grammar: https://www.rfc-editor.org/rfc/rfc8259
 *
 * The inside of strings is not judged (an unknown escape passes); everything outside them is.
 */
import { GatewayError } from '../errors.ts'
import { hasAt } from './bytes.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** How far to look into a value: not at all, into the named members of an object, or into every element. */
export type Shape = true | { readonly [key: string]: Shape } | readonly [Shape]

/** A value, by the bytes it covers: `[start, end)`. */
export interface Value {
  start: number
  end: number
  /** Every member, in order, where the shape was an object and so is the value. Keys may repeat. */
  members?: Member[]
  /** Every element, in order, where the shape was an array and so is the value. */
  elements?: Value[]
}

/** A member, from its key's opening quote to the end of its value. */
export interface Member {
  key: string
  start: number
  end: number
  value: Value
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/** A shape may refer to itself (a tool result holds blocks); past this depth its values are only spanned. */
const MAX_DEPTH = 32

/**
 * The spans of a JSON text, as far as `shape` looks.
 * @throws GatewayError invalid_request_error where the text is not JSON, naming the byte.
 */
export function outline(bytes: Uint8Array, shape: Shape): Value {
  const byteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const cursor: Cursor = { bytes, at: white(bytes, byteOrderMark ? 3 : 0) }
  const value = read(cursor, shape, 0)
  cursor.at = white(bytes, cursor.at)
  if (cursor.at < bytes.length) throw notJson(cursor.at)
  return value
}

/** Notes what is directly inside a value, where its shape did not ask for that. Doing it twice changes nothing. */
export function deepen(bytes: Uint8Array, value: Value): Value {
  if (value.members || value.elements) return value
  const shape: Shape = bytes[value.start] === OPEN_OBJECT ? {} : [true]
  const { members, elements } = read({ bytes, at: value.start }, shape, 0)
  return Object.assign(value, members && { members }, elements && { elements })
}

function read(cursor: Cursor, shape: Shape, depth: number): Value {
  const open = cursor.bytes[cursor.at]
  if (shape !== true && depth < MAX_DEPTH) {
    if (open === OPEN_OBJECT && !isElements(shape)) return readObject(cursor, shape, depth)
    if (open === OPEN_ARRAY && isElements(shape)) return readArray(cursor, shape[0], depth)
  }
  const start = cursor.at
  cursor.at = skip(cursor.bytes, start)
  return { start, end: cursor.at }
}

function isElements(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape)
}

function readObject(cursor: Cursor, shape: { readonly [key: string]: Shape }, depth: number): Value {
  const { bytes } = cursor
  const start = cursor.at
  const members: Member[] = []
  cursor.at = white(bytes, start + 1)
  if (bytes[cursor.at] !== CLOSE_OBJECT) {
    for (;;) {
      const keyStart = cursor.at
      if (bytes[keyStart] !== QUOTE) throw notJson(keyStart)
      const keyEnd = pastString(bytes, keyStart)
      const key = keyIn(bytes, keyStart, keyEnd)
      cursor.at = pastColon(bytes, keyEnd)
      const value = read(cursor, Object.hasOwn(shape, key) ? (shape[key] ?? true) : true, depth + 1)
      members.push({ key, start: keyStart, end: value.end, value })
      cursor.at = white(bytes, cursor.at)
      if (bytes[cursor.at] !== COMMA) break
      cursor.at = white(bytes, cursor.at + 1)
    }
  }
  close(cursor, CLOSE_OBJECT)
  return { start, end: cursor.at, members }
}

function readArray(cursor: Cursor, shape: Shape, depth: number): Value {
  const { bytes } = cursor
  const start = cursor.at
  const elements: Value[] = []
  cursor.at = white(bytes, start + 1)
  if (bytes[cursor.at] !== CLOSE_ARRAY) {
    for (;;) {
      elements.push(read(cursor, shape, depth + 1))
      cursor.at = white(bytes, cursor.at)
      if (bytes[cursor.at] !== COMMA) break
      cursor.at = white(bytes, cursor.at + 1)
    }
  }
  close(cursor, CLOSE_ARRAY)
  return { start, end: cursor.at, elements }
}

function close(cursor: Cursor, bracket: number) {
  if (cursor.bytes[cursor.at] !== bracket) throw notJson(cursor.at)
  cursor.at++
}

/** The end of the value that starts at `at`. */
function skip(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  if (first === QUOTE) return pastString(bytes, at)
  return first === OPEN_OBJECT || first === OPEN_ARRAY ? skipNested(bytes, at) : pastScalar(bytes, at)
}

/** Iterative, so that no depth of nesting overflows the stack. */
function skipNested(bytes: Uint8Array, at: number): number {
  const open: number[] = []
  for (;;) {
    const first = bytes[at]
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      const inside = white(bytes, at + 1)
      if (bytes[inside] !== closing(first)) {
        open.push(first)
        at = first === OPEN_OBJECT ? pastKey(bytes, inside) : inside
        continue
      }
      at = inside + 1
    } else {
      at = first === QUOTE ? pastString(bytes, at) : pastScalar(bytes, at)
    }
    at = leave(bytes, at, open)
    if (open.length === 0) return at
  }
}

/** After a value: out of every bracket that ends with it, to the next value or the end of the outermost. */
function leave(bytes: Uint8Array, at: number, open: number[]): number {
  for (let bracket = open.at(-1); bracket !== undefined; bracket = open.at(-1)) {
    at = white(bytes, at)
    if (bytes[at] === COMMA) {
      at = white(bytes, at + 1)
      return bracket === OPEN_OBJECT ? pastKey(bytes, at) : at
    }
    if (bytes[at] !== closing(bracket)) throw notJson(at)
    open.pop()
    at++
  }
  return at
}

function closing(bracket: number): number {
  return bracket === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY
}

function white(bytes: Uint8Array, at: number): number {
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

function pastColon(bytes: Uint8Array, at: number): number {
  const colon = white(bytes, at)
  if (bytes[colon] !== COLON) throw notJson(colon)
  return white(bytes, colon + 1)
}

/** A quote ends a string unless an odd number of backslashes stands before it. */
function pastString(bytes: Uint8Array, at: number): number {
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
  let end = at
  let text = ''
  for (;;) {
    const byte = bytes[end]
    if (byte === undefined || byte <= 0x20 || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT)
      break
    if (end - at > LONGEST_SCALAR) throw notJson(at)
    text += String.fromCharCode(byte)
    end++
  }
  if (!SCALAR.test(text)) throw notJson(at)
  return end
}

/** The key between two quotes. Those that every request repeats are known by their bytes: no text is made of them. */
function keyIn(bytes: Uint8Array, at: number, end: number): string {
  const known = KEYS[end - at - 2]?.find((key) => hasAt(bytes, at + 1, key.bytes))
  if (known) return known.text
  const raw = bytes.subarray(at + 1, end - 1)
  return raw.includes(BACKSLASH) ? (parse<string>(bytes, { start: at, end }) ?? '') : decoder.decode(raw)
}

/** By their length. */
const KEYS = keysByLength(
  'type text role content messages system tools model name description input_schema id input tool_use_id is_error ' +
    'cache_control ttl source media_type data thinking signature display metadata user_id max_tokens stream ' +
    'output_config effort context_management edits keep tool_choice title url citations properties required',
)

function keysByLength(names: string) {
  const keys: { text: string; bytes: Uint8Array }[][] = []
  for (const text of names.split(' ')) {
    const alike = keys[text.length] ?? []
    alike.push({ text, bytes: new TextEncoder().encode(text) })
    keys[text.length] = alike
  }
  return keys
}

function notJson(at: number): GatewayError {
  return new GatewayError('invalid_request_error', `The request body is not valid JSON (at byte ${at}).`)
}

const decoder = new TextDecoder()

/** The value a span holds. For small values that the gateway reads, never for what it forwards. */
export function parse<T>(bytes: Uint8Array, span: { start: number; end: number }): T | undefined {
  try {
    return JSON.parse(decoder.decode(bytes.subarray(span.start, span.end)))
  } catch {
    throw notJson(span.start)
  }
}

/** The last member of that name: where a key repeats, JSON readers take the last. */
export function member(object: Value | undefined, key: string): Value | undefined {
  return object?.members?.findLast((each) => each.key === key)?.value
}

/** Every value of that name, should the key repeat: what is taken out must not be left standing once. */
export function values(object: Value | undefined, key: string): Value[] {
  return object?.members?.filter((each) => each.key === key).map((each) => each.value) ?? []
}
