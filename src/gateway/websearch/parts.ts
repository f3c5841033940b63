/** The blocks of an answer, told to the client under their place in the whole, searches as searches of the server. */
import { type Block, openBlock } from '../../protocol/blocks.ts'
import type { StreamEvent } from '../../protocol/messages.ts'
import type { Sealer } from '../../protocol/sealed.ts'
import { forClient, type Place } from './citations.ts'
import { event, read, renumbered } from './events.ts'
import { clientId, modelId } from './names.ts'
import { clientBlock, type Outcome } from './outcome.ts'
import type { Searches } from './run.ts'
import { NAME } from './tool.ts'
import { object } from './usage.ts'

/** A block of the step at hand. */
export interface Part {
  block: Block
  /** Its place in the whole answer. */
  index: number
  search: Search | undefined
}

interface Search {
  /** The client's name for it. */
  id: string
  outcome: Promise<Outcome>
}

export interface Telling {
  /** Undefined where there is no tool for it: then only citations are told anew. */
  searches: Searches | undefined
  /** Every search result of the request, in its order. */
  places: Place[]
  sealer: Sealer
  out: StreamEvent[]
  /** How many blocks the answer has so far. */
  blocks: number
  parts: Map<number, Part>
}

export function blockStart(telling: Telling, heard: StreamEvent) {
  const said = read(heard)
  const start = object(said['content_block'])
  const index = telling.blocks++
  const isSearch = telling.searches && start['type'] === 'tool_use' && start['name'] === NAME
  if (!isSearch) {
    telling.parts.set(Number(said['index']), { block: openBlock(start), index, search: undefined })
    telling.out.push(renumbered(heard, said['index'], index))
    return
  }
  const id = clientId(String(start['id']))
  const block = openBlock({ ...start, id: modelId(id) })
  telling.parts.set(Number(said['index']), { block, index, search: { id, outcome: TRUNCATED } })
  const shown = { type: 'server_tool_use', id, name: NAME, caller: { type: 'direct' }, input: {} }
  telling.out.push(event({ type: 'content_block_start', index, content_block: shown }))
}

/** What comes of a search whose block never ended. */
const TRUNCATED: Promise<Outcome> = Promise.resolve({ error: 'invalid_tool_input' })

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

/** The search begins; what else the model has to say is not waited for. */
export function blockStop({ parts, searches, out }: Telling, heard: StreamEvent) {
  const { index } = read(heard)
  const part = parts.get(Number(index))
  if (part?.search && searches) part.search.outcome = searches.run(part.block.input())
  out.push(part ? renumbered(heard, index, part.index) : heard)
}

/** The block that tells what a search found. */
export async function tellResult(telling: Telling, id: string, outcome: Outcome) {
  const index = telling.blocks++
  const block = await clientBlock(id, outcome, telling.sealer)
  telling.out.push(
    event(`{"type":"content_block_start","index":${index},"content_block":${block}}`),
    event({ type: 'content_block_stop', index }),
  )
}

/** What the model said, as it would be sent back to it. Text that was begun and left empty is not taken back. */
export function saidIn(parts: Iterable<Part>): string[] {
  return [...parts].map(({ block }) => block.text()).filter((text) => !EMPTY_TEXT.test(text))
}

const EMPTY_TEXT = /^\{"type":"text","text":""\}$/

export function callsClient(parts: Iterable<Part>): boolean {
  return [...parts].some(({ block, search }) => !search && block.start['type'] === 'tool_use')
}
