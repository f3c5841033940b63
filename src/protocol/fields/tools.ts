/** Tools, where a model cannot be told which to use, and fields of theirs that are spelled as a beta elsewhere. */
import type { Draft } from '../draft.ts'
import { member, parse, type Value } from '../json.ts'
import { mayHold } from '../jsonnotes.ts'
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

/** Bedrock knows Anthropic's own tools from these versions on; older names mean the same tools. */
const RENEWED: ReadonlyMap<unknown, string> = new Map([
  ['bash_20241022', 'bash_20250124'],
  ['computer_20241022', 'computer_20250124'],
  ['text_editor_20241022', 'text_editor_20250124'],
])

export function toolVersions(draft: Draft, body: Uint8Array, root: Value) {
  const tools = member(root, 'tools')
  if (!mayHold(tools, 'type')) return
  for (const tool of tools?.elements ?? []) {
    const type = member(tool, 'type')
    const renewed = type && RENEWED.get(parse<unknown>(body, type))
    if (type && renewed) draft.replace(type, JSON.stringify(renewed))
  }
}

const STREAMED_INPUT = 'fine-grained-tool-streaming-2025-05-14'

/** Bedrock says with a beta what the Anthropic API says with a field of the tool. */
export function impliedBetas(body: Uint8Array, root: Value): readonly string[] {
  const tools = member(root, 'tools')
  if (!mayHold(tools, 'eager_input_streaming')) return NONE
  const eager = tools?.elements?.some((tool) => {
    const value = member(tool, 'eager_input_streaming')
    return value && parse<unknown>(body, value) === true
  })
  return eager ? [STREAMED_INPUT] : NONE
}

const NONE: readonly string[] = []
