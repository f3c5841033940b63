/**
 * Paths into a request body as validators write them (`tools.0.custom.defer_loading`), and the patterns that are
 * remembered of them (`tools.*.custom.defer_loading`). A segment that is no member names the variant of a union, which
 * is the value's `type`: it stays in the pattern, for what one kind of block may not say another must. An index says
 * only that there was an array: the body that was sent may have had fewer elements than the client's.
 */
import type { Draft } from '../draft.ts'
import { deepen, has, member, parse, type Value, values } from '../json.ts'

/** Without these a request is not what was asked: whatever an upstream says of them, they stay. */
const ESSENTIAL: readonly RegExp[] = [
  /^(max_tokens|messages|model|system|tools)$/,
  /^messages\.\*\.(content|role)$/,
  /^tools\.\*\.(custom\.)?(name|input_schema|type)$/,
  /(^|\.)type$/,
  /\.(input|input_schema)\./, // what is in there is the caller's own
  /\.text\.text$/,
  /\.tool_use\.(id|name|input)$/,
  /\.tool_result\.(tool_use_id|content)$/,
  /\.(image|document)\.source$/,
  /^messages\.\*\.content\.\*\.(redacted_)?thinking\./, // signed: never edited
]

/** A path with more segments, or a longer pattern, is nothing that a validator says of a body that anybody sends. */
const MOST_SEGMENTS = 12
const LONGEST = 200

/** The pattern of a path that leads somewhere in this body, to something that may be left out. */
export function patternOf(body: Uint8Array, root: Value, path: string): string | undefined {
  const segments = path.split('.').map((segment) => (/^\d+$/.test(segment) ? '*' : segment))
  const pattern = segments.join('.')
  if (
    segments.length > MOST_SEGMENTS ||
    pattern.length > LONGEST ||
    ESSENTIAL.some((each) => each.test(pattern))
  ) {
    return undefined
  }
  return holdersOf(body, [root], segments).length > 0 ? pattern : undefined
}

/** Names that are right in some block or tool, and so wrong only where a path says in which. */
const LEGAL_SOMEWHERE: ReadonlySet<string> = new Set(
  (
    'budget_tokens cache_control citations content context data description display enabled id input input_schema ' +
    'is_error max_uses media_type name signature source text thinking title tool_name tool_use_id ttl url'
  ).split(' '),
)

/**
 * Whether what was refused to one is refused to all. Without the variant, a path that ends in a name that is right
 * elsewhere would take that away from everybody.
 */
export function holdsForAll(pattern: string): boolean {
  const segments = pattern.split('.')
  const named = segments.filter((segment) => segment !== '*')
  const [, holder] = segments.toReversed()
  return named.length === 1 || holder !== '*' || !LEGAL_SOMEWHERE.has(segments.at(-1) ?? '')
}

/** Drops every field that a pattern leads to. */
export function dropField(draft: Draft, body: Uint8Array, root: Value, pattern: string) {
  if (!pattern.includes('.')) return draft.drop(root, pattern, pattern)
  const segments = pattern.split('.')
  const key = segments.at(-1) ?? ''
  for (const holder of holdersOf(body, [root], segments)) draft.drop(holder, key, pattern)
}

/** The objects whose member a path ends in. A name is a member's where that leads to the end, else a variant's. */
function holdersOf(body: Uint8Array, here: readonly Value[], segments: readonly string[]): readonly Value[] {
  const [segment = '', ...rest] = segments
  if (here.length === 0) return []
  if (rest.length === 0) return here.filter((each) => has(deepen(body, each), segment))
  const inside = holdersOf(body, step(body, here, segment), rest)
  return inside.length > 0 ? inside : holdersOf(body, variants(body, here, segment), rest)
}

function step(body: Uint8Array, here: readonly Value[], segment: string): Value[] {
  const found: Value[] = []
  for (const each of here) {
    const inside = deepen(body, each)
    const those = segment === '*' ? (inside.elements ?? []) : values(inside, segment)
    for (const value of those) found.push(value)
  }
  return found
}

/** Those of a variant; a tool without a type is a custom one. */
function variants(body: Uint8Array, here: readonly Value[], name: string): Value[] {
  return here.filter((each) => {
    const type = member(deepen(body, each), 'type')
    return type ? parse<unknown>(body, type) === name : name === 'custom'
  })
}
