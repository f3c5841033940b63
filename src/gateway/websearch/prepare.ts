/** A call as a model without server tools can take it: an ordinary tool, and a conversation without server tools' blocks. */
import { type Edit, splice } from '../../protocol/edits.ts'
import { member, outline } from '../../protocol/json.ts'
import { type Call, requestShape } from '../../protocol/messages.ts'
import { type Sealer, sealer } from '../../protocol/sealed.ts'
import { isCiting } from './blocks.ts'
import type { Place } from './citations.ts'
import { type Owed, rebuilt } from './history.ts'
import type { Outcome } from './outcome.ts'
import { ORDINARY, type SearchTool } from './tool.ts'

export interface Prepared {
  call: Call
  places: Place[]
  owed: readonly Owed[]
  citing: boolean
  sealer: Sealer
}

interface Manner {
  secretKeys: readonly string[]
  /** The upstream searches by itself. */
  native: boolean
  /** Answers what a turn that was broken off still asks for. */
  run?: ((input: string) => Promise<Outcome>) | undefined
}

export async function prepare(
  call: Call,
  tool: SearchTool | undefined,
  { secretKeys, native, run }: Manner,
): Promise<Prepared> {
  const citing = isCiting(call.body, call.outline)
  const box = sealer(secretKeys, 'web search')
  const { edits, places, owed } = await rebuilt(call, { sealer: box, citing, native, run })
  const all = [...(tool?.edits ?? []), ...edits, ...toolForHistory(call, edits)]
  return { call: edited(call, all), places, owed, citing, sealer: box }
}

/** The call with its body edited, and outlined anew. */
export function edited(call: Call, edits: readonly Edit[]): Call {
  const body = splice(call.body, edits)
  return body === call.body ? call : { ...call, body, outline: outline(body, requestShape) }
}

/** Tool calls in a conversation want some tool to be defined, be it one that may not be used. */
function toolForHistory({ outline: root }: Call, edits: readonly Edit[]): Edit[] {
  const has = (key: string) => member(root, key) !== undefined
  const asksForSchema = has('output_format') || member(member(root, 'output_config'), 'format') !== undefined
  if (edits.length === 0 || has('tools') || has('tool_choice') || asksForSchema) return []
  const at = root.start + 1
  return [{ start: at, end: at, text: `"tools":[${ORDINARY}],"tool_choice":{"type":"none"},` }]
}
