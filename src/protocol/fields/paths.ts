/**
 * Paths into a request body as validators write them (`tools.0.custom.defer_loading`), and the patterns that are
 * remembered of them (`tools.*.defer_loading`). A segment that is no member names the variant of a union and is passed;
 * an index says only that there was an array, for the body that was sent may have had fewer elements than the client's.
 */
import type { Draft } from '../draft.ts'
import { deepen, type Value, values } from '../json.ts'

/** Without these a request is not what was asked: whatever an upstream says of them, they stay. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'max_tokens',
  'messages',
  'messages.*.content',
  'messages.*.role',
  'model',
  'system',
  'tools',
  'tools.*.input_schema',
  'tools.*.name',
])

/** The pattern of a path that leads somewhere in this body, to something that may be left out. */
export function patternOf(body: Uint8Array, root: Value, path: string): string | undefined {
  const segments = path.split('.').map((segment) => (/^\d+$/.test(segment) ? '*' : segment))
  const pattern = segments.length > MOST_SEGMENTS ? undefined : walk(body, [root], segments)?.join('.')
  return pattern === undefined || pattern.length > LONGEST || ESSENTIAL.has(pattern) ? undefined : pattern
}

const MOST_SEGMENTS = 12
const LONGEST = 200

/** A name may be a member's or a variant's, as `text` in a text block: whichever leads to the end of the path. */
function walk(body: Uint8Array, here: readonly Value[], segments: readonly string[]): string[] | undefined {
  const [segment, ...rest] = segments
  if (segment === undefined || here.length === 0) return undefined
  const next = step(body, here, segment)
  if (rest.length === 0) return next.length > 0 && segment !== '*' ? [segment] : undefined
  const inside = walk(body, next, rest)
  return inside ? [segment, ...inside] : walk(body, here, rest)
}

/** Drops every field that a pattern leads to. */
export function dropField(draft: Draft, body: Uint8Array, root: Value, pattern: string) {
  const segments = pattern.split('.')
  const key = segments.pop()
  if (key === undefined) return
  for (const holder of segments.reduce((holders, segment) => step(body, holders, segment), [root])) {
    draft.drop(deepen(body, holder), key, pattern)
  }
}

function step(body: Uint8Array, holders: readonly Value[], segment: string): Value[] {
  return holders.flatMap((holder) => {
    const inside = deepen(body, holder)
    return segment === '*' ? (inside.elements ?? []) : values(inside, segment)
  })
}
