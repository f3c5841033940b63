/** What Claude Code says about itself, for Anthropic only: the attribution line, the user's id, context edits. */
import { type Bytes, hasAt } from '../bytes.ts'
import type { Draft } from '../draft.ts'
import { hex } from '../ids.ts'
import { member, parse, type Value, values } from '../json.ts'
import type { Target, Wire } from './target.ts'

const ATTRIBUTION = new TextEncoder().encode('"x-anthropic-billing-header:')

/** The attribution line is for Anthropic: Bedrock refuses it, and it changes under the cached prefix. */
export function attribution(draft: Draft, body: Uint8Array, root: Value) {
  for (const system of values(root, 'system')) {
    if (!system.elements) {
      if (!hasAt(body, system.start, ATTRIBUTION)) continue
      const [, ...rest] = parse<string>(body, system)?.split('\n') ?? []
      draft.replace(system, JSON.stringify(rest.join('\n')))
      continue
    }
    const lines = system.elements.filter((block) => isAttribution(body, block))
    if (lines.length > 0 && lines.length === system.elements.length) draft.drop(root, 'system')
    else for (const line of lines) draft.dropElement(system, line)
  }
}

function isAttribution(body: Uint8Array, block: Value): boolean {
  const text = member(block, 'text')
  return text !== undefined && hasAt(body, text.start, ATTRIBUTION)
}

/** Of all context edits InvokeModel knows compaction only; the other wires know them with their beta. */
export function contextEdits(
  draft: Draft,
  body: Uint8Array,
  root: Value,
  wire: Wire,
  betas: ReadonlySet<string>,
) {
  const management = member(root, 'context_management')
  const edits = member(management, 'edits')
  const isTaken = (edit: Value) => {
    const type = member(edit, 'type')
    const isCompaction = type !== undefined && String(parse<unknown>(body, type)).startsWith('compact_')
    return isCompaction ? betas.has('compact') : wire !== 'invoke' && betas.has('context-management')
  }
  const taken = new Set(edits?.elements?.filter(isTaken))
  if (taken.size === 0) return draft.drop(root, 'context_management', 'context_management')
  for (const edit of edits?.elements ?? []) {
    if (edits && !taken.has(edit)) draft.dropElement(edits, edit, 'context_management')
  }
}

/** Bedrock refuses user ids with characters outside these; Claude Code's is a JSON text. */
const PLAIN_ID = /^"[A-Za-z0-9_.@-]{1,256}"$/
const QUOTE = 0x22

type Pseudonymous = Pick<Target, 'secret' | 'hashes'>

/** Such an id becomes a pseudonym: the same one for the same user, on every replica. */
export async function userIds(draft: Draft, body: Bytes, root: Value, { secret, hashes }: Pseudonymous) {
  for (const metadata of values(root, 'metadata')) {
    for (const value of values(metadata, 'user_id')) await userId(draft, body, value, { secret, hashes })
  }
}

async function userId(draft: Draft, body: Bytes, value: Value, { secret, hashes }: Pseudonymous) {
  const id = body.slice(value.start, value.end)
  if (id[0] !== QUOTE || PLAIN_ID.test(decoder.decode(id))) return
  const code = await hashes.hmac(encoder.encode(secret), id)
  draft.replace(value, `"${hex(code.subarray(0, PSEUDONYM))}"`)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** Bytes: 128 bits of HMAC-SHA-256. */
const PSEUDONYM = 16
