/** Tools, where a model cannot be told which to use, and fields of theirs that are spelled as a beta elsewhere. */
import type { Draft } from '../draft.ts'
import { member, parse, type Value } from '../json.ts'
import type { Target } from './target.ts'

/** Models that always think cannot be made to use a tool; Haiku can. They choose by themselves. */
export function toolChoice(draft: Draft, body: Uint8Array, root: Value, { model }: Target) {
  const choice = member(root, 'tool_choice')
  const type = member(choice, 'type')
  if (!choice || !type || !model?.alwaysThinks || model.name.includes('haiku')) return
  const forced = parse<unknown>(body, type)
  if (forced !== 'any' && forced !== 'tool') return
  draft.replace(type, '"auto"')
  draft.drop(choice, 'name', 'tool_choice')
}

const STREAMED_INPUT = 'fine-grained-tool-streaming-2025-05-14'

/** Bedrock says with a beta what the Anthropic API says with a field of the tool. */
export function impliedBetas(body: Uint8Array, root: Value): string[] {
  const eager = member(root, 'tools')?.elements?.some((tool) => {
    const value = member(tool, 'eager_input_streaming')
    return value && parse<unknown>(body, value) === true
  })
  return eager ? [STREAMED_INPUT] : []
}
