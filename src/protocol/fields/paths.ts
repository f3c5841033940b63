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
  const pattern: string[] = []
  let here: Value[] = [root]
  for (const segment of path.split('.')) {
    const name = /^\d+$/.test(segment) ? '*' : segment
    const next = step(body, here, name)
    if (next.length === 0) continue
    pattern.push(name)
    here = next
  }
  const found = pattern.join('.')
  return found === '' || found.endsWith('*') || !endsLike(path, pattern) || ESSENTIAL.has(found)
    ? undefined
    : found
}

/** A path whose last name is nowhere in the body does not speak of this body. */
function endsLike(path: string, pattern: readonly string[]): boolean {
  return path.split('.').at(-1) === pattern.at(-1)
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
