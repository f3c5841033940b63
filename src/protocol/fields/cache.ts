/**
 * Cache breakpoints. `cache_control` may say `type` and, from 4.5 on, `ttl`; there may be four of them.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
 */
import type { Draft } from '../draft.ts'
import { has, member, parse, type Value, values } from '../json.ts'
import { mayHold } from '../jsonnotes.ts'
import type { Generation } from '../models.ts'
import type { Wire } from './target.ts'

const MOST = 4

export function cacheBreakpoints(
  draft: Draft,
  body: Uint8Array,
  root: Value,
  generation: Generation,
  wire: Wire,
) {
  if (wire === 'invoke') spreadAutomatic(draft, body, root)
  const holders = cacheable(root, 'cache_control').filter((holder) => has(holder, 'cache_control'))
  if (holders.length === 0) return
  const kept = holders.filter((holder) => !isThinking(body, holder))
  const keeps = new Set(kept)
  for (const holder of holders) if (!keeps.has(holder)) draft.drop(holder, 'cache_control', 'cache_control')
  // The latest ones reach furthest: the earliest are those to lose.
  for (const holder of kept.slice(0, Math.max(0, kept.length - MOST)))
    draft.drop(holder, 'cache_control', 'cache_control')
  for (const holder of kept.slice(-MOST)) prune(draft, holder, generation)
}

function prune(draft: Draft, holder: Value, generation: Generation) {
  for (const control of values(holder, 'cache_control')) {
    for (const { key } of control.members ?? []) {
      if (key === 'ttl' ? generation < 4.5 : key !== 'type') draft.drop(control, key, `cache_control.${key}`)
    }
  }
}

/** A breakpoint for the whole request is unknown to InvokeModel: it is what the last block carries. */
function spreadAutomatic(draft: Draft, body: Uint8Array, root: Value) {
  const automatic = member(root, 'cache_control')
  if (!automatic) return
  draft.drop(root, 'cache_control')
  const last = cacheable(root).findLast((holder) => !isThinking(body, holder))
  if (last && !member(last, 'cache_control')) {
    const ttl = member(automatic, 'ttl')
    const said = ttl ? `,"ttl":${JSON.stringify(parse(body, ttl))}` : ''
    draft.add(last, `"cache_control":{"type":"ephemeral"${said}}`)
  }
}

function isThinking(body: Uint8Array, block: Value): boolean {
  const type = member(block, 'type')
  return type !== undefined && /thinking$/.test(String(parse(body, type)))
}

/**
 * Every value that may carry a breakpoint, in the order in which Anthropic caches: tools, system, messages. With a
 * `key`, of these only such as may have that or hold one that has.
 */
function cacheable(root: Value, key?: string): Value[] {
  const found: Value[] = []
  for (const tools of values(root, 'tools')) {
    for (const tool of tools.elements ?? []) if (key === undefined || mayHold(tool, key)) found.push(tool)
  }
  for (const system of values(root, 'system')) addBlocks(found, system, key)
  for (const messages of values(root, 'messages')) {
    for (const message of messages.elements ?? []) {
      if (key !== undefined && !mayHold(message, key)) continue
      for (const content of values(message, 'content')) addBlocks(found, content, key)
    }
  }
  return found
}

function addBlocks(found: Value[], { elements }: Value, key: string | undefined) {
  for (const block of elements ?? []) {
    if (key !== undefined && !mayHold(block, key)) continue
    for (const inner of values(block, 'content')) addBlocks(found, inner, key)
    found.push(block)
  }
}
