/**
 * Thinking, as each model takes it: since 4.7 there is no `enabled`, before 4.6 no `adaptive`, and some models cannot
 * be told not to think. https://docs.claude.com/en/docs/build-with-claude/adaptive-thinking
 */

import type { Draft } from '../draft.ts'
import { member, parse, type Value } from '../json.ts'
import { generationOf } from '../models.ts'
import type { Target } from './target.ts'

/** How much thought a budget of so many tokens asks for. */
const EFFORTS: readonly [atMost: number, effort: string][] = [
  [4_096, 'low'],
  [16_384, 'medium'],
  [Number.POSITIVE_INFINITY, 'high'],
]

/** What `adaptive` means to a model that wants a number, and the least it takes. */
const BUDGET = 16_000
const LEAST_BUDGET = 1_024

export function thinkingMode(draft: Draft, body: Uint8Array, root: Value, { model, wire }: Target) {
  const thinking = member(root, 'thinking')
  const type = thinking && read(body, thinking, 'type')
  const generation = generationOf(model)
  if (!thinking) return
  if (type === 'enabled' && generation >= 4.7) becomeAdaptive(draft, body, root, thinking)
  else if (type === 'adaptive' && generation < 4.6) becomeEnabled(draft, body, root, thinking)
  else if (type === 'disabled' && model?.alwaysThinks) draft.drop(root, 'thinking', 'thinking')
  else if (wire === 'invoke') renameBinding(draft, thinking)
}

function becomeAdaptive(draft: Draft, body: Uint8Array, root: Value, thinking: Value) {
  const budget = Number(read(body, thinking, 'budget_tokens') ?? 0)
  const display = member(thinking, 'display')
  const shown = display ? `,"display":${JSON.stringify(parse(body, display))}` : ''
  draft.replace(thinking, `{"type":"adaptive"${shown}}`)
  const config = member(root, 'output_config')
  const effort = EFFORTS.find(([atMost]) => budget <= atMost)?.[1]
  if (!config) draft.add(root, `"output_config":{"effort":"${effort}"}`)
  else if (!member(config, 'effort')) draft.add(config, `"effort":"${effort}"`)
}

function becomeEnabled(draft: Draft, body: Uint8Array, root: Value, thinking: Value) {
  const budget = Math.min(BUDGET, Number(read(body, root, 'max_tokens') ?? 0) - 1)
  if (budget < LEAST_BUDGET) draft.drop(root, 'thinking', 'thinking')
  else draft.replace(thinking, `{"type":"enabled","budget_tokens":${budget}}`)
}

/** The same thing under Bedrock's name. */
function renameBinding(draft: Draft, thinking: Value) {
  const binding = member(thinking, 'block_binding')
  const behaviour = binding?.members?.find(({ key }) => key === 'prefix_mismatch_behavior')
  if (behaviour) draft.replace({ start: behaviour.from, end: behaviour.start }, '"mismatch_behavior":')
}

function read(body: Uint8Array, object: Value, key: string): unknown {
  const value = member(object, key)
  return value && parse<unknown>(body, value)
}
