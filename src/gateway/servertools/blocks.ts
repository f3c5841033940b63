/** Looking into a conversation by its outline: which block is what, without parsing what is only passed on. */
import { hasAt } from '../../protocol/bytes.ts'
import type { Edit } from '../../protocol/edits.ts'
import { member, parse, type Value } from '../../protocol/json.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const TYPES = {
  document: encoder.encode('"document"'),
  search_result: encoder.encode('"search_result"'),
  server_tool_use: encoder.encode('"server_tool_use"'),
  tool_result: encoder.encode('"tool_result"'),
  tool_use: encoder.encode('"tool_use"'),
  web_fetch_tool_result: encoder.encode('"web_fetch_tool_result"'),
  web_search_tool_result: encoder.encode('"web_search_tool_result"'),
} as const

export function isBlock(body: Uint8Array, block: Value, type: keyof typeof TYPES): boolean {
  const value = member(block, 'type')
  const wanted = TYPES[type]
  return value !== undefined && value.end - value.start === wanted.length && hasAt(body, value.start, wanted)
}

export function messagesOf(outline: Value): readonly Value[] {
  return member(outline, 'messages')?.elements ?? []
}

/** A value as it stands in the body; nothing for none. */
export function textOf(body: Uint8Array, value: Value | undefined): string {
  return value ? decoder.decode(body.subarray(value.start, value.end)) : ''
}

/** Whose message it is, as long as that is written plainly. */
export function roleOf(body: Uint8Array, message: Value | undefined): string {
  return textOf(body, member(message, 'role')).slice(1, -1)
}

/** A block's id, or the one it refers to. */
export function idIn(body: Uint8Array, block: Value, key: 'id' | 'tool_use_id'): string {
  const id = member(block, key)
  return String(id ? parse<unknown>(body, id) : '')
}

/** A block's cache breakpoint, as it stands, with a comma in front. */
export function breakpoint(body: Uint8Array, block: Value): string {
  const control = member(block, 'cache_control')
  return control ? `,"cache_control":${textOf(body, control)}` : ''
}

/** Whether a turn is still going on: nothing follows but results of the client's tools. */
export function isOpenEnd(body: Uint8Array, following: readonly Value[]): boolean {
  return following.every((message) =>
    (member(message, 'content')?.elements ?? [message]).every((block) => isBlock(body, block, 'tool_result')),
  )
}

/** The blocks of one type that a client itself brings in a message, or in the results of its tools. */
export function* ownBlocks(
  body: Uint8Array,
  message: Value,
  type: 'document' | 'search_result',
): Generator<Value> {
  for (const block of member(message, 'content')?.elements ?? []) {
    const inside = isBlock(body, block, 'tool_result') ? (member(block, 'content')?.elements ?? []) : [block]
    for (const each of inside) if (isBlock(body, each, type)) yield each
  }
}

/** Puts blocks in front of a message's content, whichever way that is written. */
export function userContent(body: Uint8Array, content: Value, blocks: readonly string[]): Edit[] {
  const first = blocks.join(',')
  if (content.elements) {
    const at = content.start + 1
    return [{ start: at, end: at, text: content.elements.length > 0 ? `${first},` : first }]
  }
  const said = textOf(body, content)
  const rest = said.startsWith('"') && said !== '""' ? `,{"type":"text","text":${said}}` : ''
  return [{ start: content.start, end: content.end, text: `[${first}${rest}]` }]
}
