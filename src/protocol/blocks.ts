/**
 * A content block put together again from the events that streamed it, as the JSON text that says the same: what a
 * client would send back with the next turn. https://docs.claude.com/en/docs/build-with-claude/streaming
 */

export type Json = { readonly [key: string]: unknown }

export interface Block {
  /** As it stood in `content_block_start`. */
  readonly start: Json
  push(delta: Json): void
  /** Goes on with the block's text of that name. */
  grow(key: string, text: string): void
  /** The arguments of a tool call, digit for digit; `{}` where what came is not a whole object. */
  input(): string
  text(): string
}

export function openBlock(start: Json): Block {
  const grown: Record<string, unknown> = { ...start }
  const citations: unknown[] = []
  let arguments_ = ''

  /** Whatever kind of delta it is, a text in it goes on with the block's text of that name. */
  function push({ type: _, ...delta }: Json) {
    for (const [key, value] of Object.entries(delta)) {
      if (key === 'citation') citations.push(value)
      else if (typeof value === 'string' || key === 'partial_json') grow(key, String(value))
      else grown[key] = value
    }
  }

  function grow(key: string, text: string) {
    if (key === 'partial_json') arguments_ += text
    else grown[key] = asText(grown[key]) + text
  }

  function input(): string {
    const text = arguments_ === '' ? JSON.stringify(start['input'] ?? {}) : arguments_
    return isObject(text) ? text : '{}'
  }

  return {
    start,
    push,
    grow,
    input,
    text() {
      const { input: arguments_, citations: before, ...rest } = grown
      const cited = [...(Array.isArray(before) ? before : []), ...citations]
      const whole = JSON.stringify(cited.length === 0 ? rest : { ...rest, citations: cited })
      return arguments_ === undefined ? whole : `${whole.slice(0, -1)},"input":${input()}}`
    },
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
