/** The keys that every request and every answer repeats, known by their bytes: making a text of each took a third of an outline's time. */
import { hasAt } from './bytes.ts'

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
}

/** By their length. */
const KEYS: readonly (readonly Key[] | undefined)[] = byLength(NAMES.split(' '))

/** The key that stands in `bytes[start, end)`, where it is one of these. */
export function knownKey(bytes: Uint8Array, start: number, end: number): string | undefined {
  const alike = KEYS[end - start]
  if (alike) for (const { text, bytes: key } of alike) if (hasAt(bytes, start, key)) return text
  return undefined
}

function byLength(names: readonly string[]): Key[][] {
  const keys: Key[][] = []
  for (const text of names) {
    const alike = keys[text.length] ?? []
    alike.push({ text, bytes: new TextEncoder().encode(text) })
    keys[text.length] = alike
  }
  return keys
}
