/** The keys that every request and every answer repeats, known by their bytes: making a text of each took a third of an outline's time. */
import { hasAt } from './bytes.ts'
import { noteOf } from './jsonnotes.ts'

const NAMES =
  'type text role content messages system tools model name description input_schema id input tool_use_id is_error ' +
  'cache_control ttl source media_type data thinking signature display metadata user_id max_tokens stream ' +
  'output_config effort context_management edits keep tool_choice title url citations properties required ' +
  // Those of answers.
  'message index delta usage stop_reason stop_sequence input_tokens output_tokens cache_read_input_tokens ' +
  'cache_creation_input_tokens cache_creation amazon-bedrock-invocationMetrics'

interface Key {
  text: string
  bytes: Uint8Array
  /** See jsonnotes.ts. */
  note: number
}

/** A power of two, and so many that few of the keys fall together. */
const PLACES = 256

/** By a place that follows from their length, their first byte and their last, which tell most of them apart. */
const KEYS: readonly (readonly Key[])[] = byPlace(NAMES.split(' '))

/** The key that stands in `bytes[start, end)`, where it is one of these. */
export function knownKey(bytes: Uint8Array, start: number, end: number): Key | undefined {
  const alike = KEYS[placeOf(bytes, start, end)] as readonly Key[]
  for (let at = 0; at < alike.length; at++) {
    const key = alike[at] as Key
    if (key.bytes.length === end - start && hasAt(bytes, start, key.bytes)) return key
  }
  return undefined
}

function placeOf(bytes: Uint8Array, start: number, end: number): number {
  const initial = bytes[start] as number
  const last = bytes[end - 1] as number // of an empty key, a quote
  return ((end - start) * 3 + initial * 17 + last * 13) & (PLACES - 1)
}

function byPlace(names: readonly string[]): Key[][] {
  const keys: Key[][] = Array.from({ length: PLACES }, () => [])
  for (const text of names) {
    const bytes = new TextEncoder().encode(text)
    keys[placeOf(bytes, 0, bytes.length)]?.push({ text, bytes, note: noteOf(text) })
  }
  return keys
}
