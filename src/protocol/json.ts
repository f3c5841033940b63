/**
 * Where things stand in a JSON text. One pass notes the spans of the parts a Shape asks for; nothing is parsed but
 * what is then read. Grammar: https://www.rfc-editor.org/rfc/rfc8259
 *
 * The inside of strings is not judged (an unknown escape passes); everything outside them is.
 */
import { knownKey } from './jsonkeys.ts'
import { ANYTHING, noteOf, noteOfText } from './jsonnotes.ts'
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  notJson,
  OPEN_ARRAY,
  OPEN_OBJECT,
  pastColon,
  pastString,
  QUOTE,
  skip,
  white,
} from './jsonscan.ts'

/** How far to look into a value: not at all, into the named members of an object, or into every element. */
export type Shape = true | { readonly [key: string]: Shape } | readonly [Shape]

/** A value, by the bytes it covers: `[start, end)`. One kind of object for all: reading makes hundreds a request. */
export interface Value {
  /** As a member, its key; empty for any other value. */
  key: string
  /** As a member, where its key's opening quote stands; for any other value, its start. */
  from: number
  start: number
  end: number
  /** Every member, in order, where the shape was an object and so is the value. Keys may repeat. */
  members: Value[] | undefined
  /** Every element, in order, where the shape was an array and so is the value. */
  elements: Value[] | undefined
  /** What was seen in it: see jsonnotes.ts. */
  notes: number
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
  /** Values whose array is not made yet, as it is made once their number is known: an array that grows takes thrice as much. */
  readonly pending: Value[]
  count: number
  /** The brackets that are open in a value that is only skipped: one list for all of them. */
  readonly open: number[]
}

/** A shape may refer to itself (a tool result holds blocks); past this depth its values are only spanned. */
const MAX_DEPTH = 32

/**
 * The spans of a JSON text, as far as `shape` looks.
 * @throws GatewayError invalid_request_error where the text is not JSON, naming the byte.
 */
export function outline(bytes: Uint8Array, shape: Shape): Value {
  const byteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const cursor = cursorAt(bytes, white(bytes, byteOrderMark ? 3 : 0))
  const value = read(cursor, shape, 0)
  cursor.at = white(bytes, cursor.at)
  if (cursor.at < bytes.length) throw notJson(cursor.at)
  return value
}

/** Notes what is directly inside a value, where its shape did not ask for that. Doing it twice changes nothing. */
export function deepen(bytes: Uint8Array, value: Value): Value {
  if (value.members || value.elements) return value
  const shape: Shape = bytes[value.start] === OPEN_OBJECT ? {} : [true]
  const { members, elements } = read(cursorAt(bytes, value.start), shape, 0)
  value.members = members
  value.elements = elements
  for (const each of members ?? elements ?? []) each.notes = ANYTHING
  value.notes = ANYTHING // the values around it have not heard of what is in here, and those in here were not looked into
  return value
}

function cursorAt(bytes: Uint8Array, at: number): Cursor {
  return { bytes, at, pending: [], count: 0, open: [] }
}

function read(cursor: Cursor, shape: Shape, depth: number): Value {
  const open = cursor.bytes[cursor.at]
  if (shape !== true && depth < MAX_DEPTH) {
    if (open === OPEN_OBJECT && !isElements(shape)) return readObject(cursor, shape, depth)
    if (open === OPEN_ARRAY && isElements(shape)) return readArray(cursor, shape[0], depth)
  }
  const start = cursor.at
  cursor.at = skip(cursor.bytes, start, cursor.open)
  return spanning(start, cursor.at, undefined, undefined, 0)
}

function spanning(
  from: number,
  end: number,
  members: Value[] | undefined,
  elements: Value[] | undefined,
  notes: number,
): Value {
  return { key: '', from, start: from, end, members, elements, notes }
}

function isElements(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape)
}

function readObject(cursor: Cursor, shape: { readonly [key: string]: Shape }, depth: number): Value {
  const { bytes } = cursor
  const start = cursor.at
  const first = cursor.count
  let notes = 0
  cursor.at = white(bytes, start + 1)
  if (bytes[cursor.at] !== CLOSE_OBJECT) {
    for (;;) {
      const from = cursor.at
      if (bytes[from] !== QUOTE) throw notJson(from)
      const keyEnd = pastString(bytes, from)
      const known = knownKey(bytes, from + 1, keyEnd - 1)
      const key = known ? known.text : keyIn(bytes, from, keyEnd)
      cursor.at = pastColon(bytes, keyEnd)
      const inner = (known ?? Object.hasOwn(shape, key)) ? (shape[key] ?? true) : true
      const value = read(cursor, inner, depth + 1)
      value.key = key
      value.from = from
      notes |= value.notes | (known ? known.note : noteOf(key)) | noteOfText(bytes, value)
      cursor.pending[cursor.count++] = value
      cursor.at = white(bytes, cursor.at)
      if (bytes[cursor.at] !== COMMA) break
      cursor.at = white(bytes, cursor.at + 1)
    }
  }
  close(cursor, CLOSE_OBJECT)
  return spanning(start, cursor.at, taken(cursor, first), undefined, notes)
}

function readArray(cursor: Cursor, shape: Shape, depth: number): Value {
  const { bytes } = cursor
  const start = cursor.at
  const first = cursor.count
  let notes = 0
  cursor.at = white(bytes, start + 1)
  if (bytes[cursor.at] !== CLOSE_ARRAY) {
    for (;;) {
      const value = read(cursor, shape, depth + 1)
      notes |= value.notes
      cursor.pending[cursor.count++] = value
      cursor.at = white(bytes, cursor.at)
      if (bytes[cursor.at] !== COMMA) break
      cursor.at = white(bytes, cursor.at + 1)
    }
  }
  close(cursor, CLOSE_ARRAY)
  return spanning(start, cursor.at, undefined, taken(cursor, first), notes)
}

function close(cursor: Cursor, bracket: number) {
  if (cursor.bytes[cursor.at] !== bracket) throw notJson(cursor.at)
  cursor.at++
}

/** The values that are pending since `first`, in an array of just their number. */
function taken(cursor: Cursor, first: number): Value[] {
  const those = cursor.pending.slice(first, cursor.count)
  cursor.count = first
  return those
}

/** A key that is none of the known ones. */
function keyIn(bytes: Uint8Array, at: number, end: number): string {
  const raw = bytes.subarray(at + 1, end - 1)
  return raw.includes(BACKSLASH) ? (parse<string>(bytes, { start: at, end }) ?? '') : decoder.decode(raw)
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
  const members = object?.members
  if (!members) return undefined
  // A loop by index: it runs a hundred times a request, and a closure and its calls cost more than the comparisons.
  for (let at = members.length - 1; at >= 0; at--) {
    const each = members[at] as Value
    if (each.key === key) return each
  }
  return undefined
}

/** Whether an object has a member of that name. */
export function has(object: Value | undefined, key: string): boolean {
  return member(object, key) !== undefined
}

/** Every value of that name, should the key repeat: what is taken out must not be left standing once. */
export function values(object: Value | undefined, key: string): readonly Value[] {
  const last = member(object, key)
  if (!last) return NONE
  const found: Value[] = []
  for (const each of object?.members ?? NONE) if (each.key === key) found.push(each)
  return found
}

const NONE: readonly Value[] = []

/** Whether a value is this string, which is plain ASCII. Compared where it stands, unless it is written with escapes. */
export function isText(
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
  text: string,
): boolean {
  if (bytes[start] !== QUOTE) return false
  if (end - start - 2 === text.length) {
    let at = 0
    while (at < text.length && bytes[start + 1 + at] === text.charCodeAt(at)) at++
    if (at === text.length) return true
  }
  for (let at = start + 1; at < end; at++)
    if (bytes[at] === BACKSLASH) return parse<unknown>(bytes, { start, end }) === text
  return false
}
