/** Which blocks of a conversation are uses of server tools and their results, and whose. */
import { member, type Value } from '../../protocol/json.ts'
import { mayHold, mayHoldServerTool } from '../../protocol/jsonnotes.ts'
import type { Call } from '../../protocol/messages.ts'
import { isBlock, messagesOf, textOf } from './blocks.ts'
import { KINDS } from './kinds.ts'
import type { Kind, ToolName } from './outcome.ts'

/** Whether a conversation has any part in it that the upstream cannot read. */
export function hasUses({ body, outline }: Call, native: readonly ToolName[]): boolean {
  const messages = member(outline, 'messages')
  if (!mayHoldServerTool(messages) && !mayHold(messages, 'citations')) return false
  return messagesOf(outline).some((message) =>
    (member(message, 'content')?.elements ?? []).some((block) => {
      const kind = kindOfUse(body, block)
      return (
        (kind && !native.includes(kind.name)) ||
        kindOfResult({ body, native }, block) !== undefined ||
        textOf(body, member(block, 'citations')).includes('"web_search_result_location"')
      )
    }),
  )
}

export function kindOfUse(body: Uint8Array, block: Value): Kind | undefined {
  if (!isBlock(body, block, 'server_tool_use')) return undefined
  const name = textOf(body, member(block, 'name'))
  return KINDS.find((kind) => name === `"${kind.name}"`)
}

interface Where {
  body: Uint8Array
  /** What the upstream has itself. */
  native: readonly ToolName[]
}

/** Of a result that the upstream cannot read: it is put back into the answer to a tool call. */
export function kindOfResult({ body, native }: Where, block: Value): Kind | undefined {
  const kind = KINDS.find(({ found }) => isBlock(body, block, found))
  return kind && (!native.includes(kind.name) || kind.isOurs(body, block)) ? kind : undefined
}
