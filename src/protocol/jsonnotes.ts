/**
 * What was seen in a value while it was read, as bits: whoever looks for what is seldom there (an image, a cache
 * breakpoint, a server tool's block) is told at the root that it is not, and need not walk the conversation.
 * A note may say too much, as several keys share one, but never too little.
 */
import type { Value } from './json.ts'
import { BACKSLASH } from './jsonscan.ts'

/** Keys that have a note of their own. All others share, by their length. */
const WATCHED = ['source', 'data', 'cache_control', 'citations', 'output_config', 'type']

/** A `type` that begins as those of server tools and their blocks do. */
const SERVER_TYPE = 1 << WATCHED.length
/** A `role` that begins as neither `user` nor `assistant` does. */
const ODD_ROLE = SERVER_TYPE << 1
const FIRST_SHARED = WATCHED.length + 2
/** With those before them fewer than 31 bits, all that a small integer holds. */
const SHARED = 20

/** Of a value in which nobody has looked for keys: whatever is asked for may be in it. */
export const ANYTHING = 0x3fff_ffff

/** The note that a key leaves in all values around it. */
export function noteOf(key: string): number {
  const own = WATCHED.indexOf(key)
  return 1 << (own < 0 ? FIRST_SHARED + (key.length % SHARED) : own)
}

/** The note that a member leaves by what it says. */
export function noteOfText(bytes: Uint8Array, { key, start }: Value): number {
  const first = bytes[start + 1]
  if (key === 'type') return first === SERVER || first === WEB || first === BACKSLASH ? SERVER_TYPE : 0
  if (key === 'role') return first === USER || first === ASSISTANT ? 0 : ODD_ROLE
  return 0
}

/** The initials of `server_tool_use`, and of `web_search` and `web_fetch` with what they give. */
const SERVER = 0x73
const WEB = 0x77
const USER = 0x75
const ASSISTANT = 0x61

/** Whether a member of that name may stand somewhere in a value, as far as its outline looked. */
export function mayHold(value: Value | undefined, key: string): boolean {
  return value !== undefined && (value.notes & noteOf(key)) !== 0
}

/** Whether some `type` in a value may be that of a server tool, or of a block of one. */
export function mayHoldServerTool(value: Value | undefined): boolean {
  return value !== undefined && (value.notes & SERVER_TYPE) !== 0
}

/** Whether some `role` in a value may be another than `user` and `assistant`. */
export function mayHoldOddRole(value: Value | undefined): boolean {
  return value !== undefined && (value.notes & ODD_ROLE) !== 0
}
