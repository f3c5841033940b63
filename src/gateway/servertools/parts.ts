/** The blocks of an answer, told to the client under their place in the whole, uses of server tools as such. */
import { type Block, openBlock } from '../../protocol/blocks.ts'
import { member, outline } from '../../protocol/json.ts'
import type { StreamEvent } from '../../protocol/messages.ts'
import type { Sealer } from '../../protocol/sealed.ts'
import { isBlock } from './blocks.ts'
import { forClient, type Place } from './citations.ts'
import { event, read, renumbered } from './events.ts'
import { KINDS } from './kinds.ts'
import { clientId, modelId } from './names.ts'
import { type Kind, type Outcome, type Running, tellAll } from './outcome.ts'
import { object } from './usage.ts'

/** A block of the step at hand. */
export interface Part {
  block: Block
  /** Its place in the whole answer. */
  index: number
  use: Use | undefined
}

interface Use {
  kind: Kind
  /** The client's name for it. */
  id: string
  outcome: Promise<Outcome>
}

export interface Telling {
  /** None where there are no tools: then only citations are told anew. */
  running: Running
  /** Every search result of the request, in its order. */
  places: Place[]
  sealer: Sealer
  out: StreamEvent[]
  /** How many blocks the answer has so far. */
  blocks: number
  parts: Map<number, Part>
}

export async function blockStart(telling: Telling, heard: StreamEvent) {
  const said = read(heard)
  const start = object(said['content_block'])
  const index = telling.blocks++
  const kind = KINDS.find(({ name }) => name === start['name'])
  if (!kind || start['type'] !== 'tool_use' || !telling.running[kind.name]) {
    telling.parts.set(Number(said['index']), { block: openBlock(start), index, use: undefined })
    telling.out.push(renumbered(heard, said['index'], index))
    if (String(start['type']).endsWith('_tool_result')) await tellOwn(telling, heard)
    return
  }
  const id = clientId(String(start['id']))
  const block = openBlock({ ...start, id: modelId(id) })
  // What comes of a use whose block never ends.
  const outcome = Promise.resolve(kind.failed('invalid_tool_input'))
  telling.parts.set(Number(said['index']), { block, index, use: { kind, id, outcome } })
  const shown = { type: 'server_tool_use', id, name: kind.name, caller: { type: 'direct' }, input: {} }
  telling.out.push(event({ type: 'content_block_start', index, content_block: shown }))
}

/** What the upstream's own tools found is known to ours as well. */
async function tellOwn({ running, sealer }: Telling, { data }: StreamEvent) {
  const block = member(outline(data, { content_block: {} }), 'content_block')
  const kind = block && KINDS.find(({ found }) => isBlock(data, block, found))
  if (kind) tellAll(running, kind.name, await kind.outcomeOf(data, block, sealer))
}

export async function blockDelta({ parts, places, sealer, out }: Telling, heard: StreamEvent) {
  const said = read(heard)
  const part = parts.get(Number(said['index']))
  const delta = object(said['delta'])
  part?.block.push(delta)
  const index = part?.index ?? Number(said['index'])
  if (delta['type'] !== 'citations_delta') {
    out.push(renumbered(heard, said['index'], index))
    return
  }
  const citation = await forClient(object(delta['citation']), places, sealer)
  out.push(event({ ...said, index, delta: { ...delta, citation } }))
}

/** The tool is run; what else the model has to say is not waited for. */
export function blockStop({ parts, running, out }: Telling, heard: StreamEvent) {
  const { index } = read(heard)
  const part = parts.get(Number(index))
  const runner = part?.use && running[part.use.kind.name]
  if (part?.use && runner) part.use.outcome = runner.run(part.block.input())
  out.push(part ? renumbered(heard, index, part.index) : heard)
}

/** The block that tells what came of a use. */
export async function tellResult(telling: Telling, id: string, outcome: Outcome) {
  const index = telling.blocks++
  const block = await outcome.forClient(id, telling.sealer)
  const start = { type: 'content_block_start', index }
  telling.out.push(
    event(start, `${JSON.stringify(start).slice(0, -1)},"content_block":${block}}`),
    event({ type: 'content_block_stop', index }),
  )
}

/** What the model said, as it would be sent back to it. Text that was begun and left empty is not taken back. */
export function saidIn(parts: Iterable<Part>): string[] {
  return [...parts].map(({ block }) => block.text()).filter((text) => !EMPTY_TEXT.test(text))
}

const EMPTY_TEXT = /^\{"type":"text","text":""\}$/

export function callsClient(parts: Iterable<Part>): boolean {
  return [...parts].some(({ block, use }) => !use && block.start['type'] === 'tool_use')
}
