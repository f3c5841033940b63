/** A call as a model without server tools can take it: an ordinary tool, and a conversation without server tools' blocks. */
import { type Edit, splice } from '../../protocol/edits.ts'
import { askedFormat } from '../../protocol/fields/structure.ts'
import { member, outline } from '../../protocol/json.ts'
import { type Call, requestShape } from '../../protocol/messages.ts'
import { type Sealer, sealer } from '../../protocol/sealed.ts'
import type { Place } from './citations.ts'
import { citingIn } from './citing.ts'
import { type Owed, rebuilt } from './history.ts'
import { KINDS, type ServerTools } from './kinds.ts'
import type { Citing, Running, ToolName } from './outcome.ts'

export interface Prepared {
  call: Call
  places: Place[]
  owed: readonly Owed[]
  citing: Citing
  sealer: Sealer
}

interface Manner {
  secretKeys: readonly string[]
  /** What the upstream has itself. */
  native: readonly ToolName[]
  /** Answer what a turn that was broken off still asks for. */
  running: Running
}

export async function prepare(call: Call, { search, fetch }: ServerTools, manner: Manner): Promise<Prepared> {
  const citing = citingIn(call, fetch?.cited)
  const box = sealer(manner.secretKeys, 'web search')
  const { edits, places, owed, called } = await rebuilt(call, { ...manner, sealer: box, citing })
  const tools = [...(search?.edits ?? []), ...(fetch?.edits ?? [])]
  const all = [...tools, ...edits, ...toolsForHistory(call, called)]
  return { call: edited(call, all), places, owed, citing, sealer: box }
}

/** The call with its body edited, and outlined anew. */
export function edited(call: Call, edits: readonly Edit[]): Call {
  const body = splice(call.body, edits)
  return body === call.body ? call : { ...call, body, outline: outline(body, requestShape) }
}

/** Tool calls in a conversation want some tool to be defined, be it one that may not be used. */
function toolsForHistory({ outline: root }: Call, called: ReadonlySet<ToolName>): Edit[] {
  const has = (key: string) => member(root, key) !== undefined
  if (called.size === 0 || has('tools') || has('tool_choice') || askedFormat(root)) return []
  const tools = KINDS.filter(({ name }) => called.has(name)).map(({ ordinary }) => ordinary)
  const at = root.start + 1
  return [{ start: at, end: at, text: `"tools":${JSON.stringify(tools)},"tool_choice":{"type":"none"},` }]
}
