/** The conversation: turns that a model does not know, and thinking that was signed elsewhere. */

import type { Draft } from '../draft.ts'
import { isText, member, type Value, values } from '../json.ts'
import { mayHoldOddRole } from '../jsonnotes.ts'
import { generationOf } from '../models.ts'
import type { Target } from './target.ts'

/** System messages inside the conversation came with 4.8. Where they are unknown the user says what they say. */
export function systemTurns(draft: Draft, body: Uint8Array, root: Value, { model }: Target) {
  if (!mayHoldOddRole(root)) return
  const known = generationOf(model) >= 4.8
  for (const messages of values(root, 'messages')) {
    for (const message of messages.elements ?? []) {
      const role = member(message, 'role')
      if (!role || !isText(body, role, 'system')) continue
      // Claude Code sends some that carry settings only; without those nothing is left to say.
      if (member(message, 'content')?.elements?.length === 0) draft.dropElement(messages, message)
      else if (!known) draft.replace(role, '"user"')
    }
  }
}

/** Leaves replayed thinking out of this copy; a turn that was nothing else goes whole. */
export function withoutThinking(draft: Draft, body: Uint8Array, root: Value) {
  for (const messages of values(root, 'messages')) {
    for (const message of messages.elements ?? []) {
      const content = member(message, 'content')
      const blocks = content?.elements ?? []
      const thoughts = blocks.filter((block) => isThinking(body, block))
      if (!content || thoughts.length === 0) continue
      if (thoughts.length === blocks.length)
        draft.dropElement(messages, message, 'messages.*.content.*.thinking')
      else for (const each of thoughts) draft.dropElement(content, each, 'messages.*.content.*.thinking')
    }
  }
}

function isThinking(body: Uint8Array, block: Value): boolean {
  const type = member(block, 'type')
  return type !== undefined && (isText(body, type, 'thinking') || isText(body, type, 'redacted_thinking'))
}
