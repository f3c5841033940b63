/**
 * A conversation with uses of server tools in it, as a model without those had it. To the client a use and its result
 * are two blocks of one assistant message; to the model they were a tool call that ended its turn and a tool result in
 * the next one. The order of the blocks tells where a turn ended: see turn.ts, which puts them there.
 */
import { type Edit, without } from '../../protocol/edits.ts'
import { member, parse, type Value } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import { looksSealed, type Sealer } from '../../protocol/sealed.ts'
import {
  breakpoint,
  idIn,
  isBlock,
  isOpenEnd,
  messagesOf,
  ownBlocks,
  roleOf,
  textOf,
  userContent,
} from './blocks.ts'
import { type Citation, forModel, type Place, placesOf } from './citations.ts'
import { modelId } from './names.ts'
import { type Citing, type Kind, type Outcome, type Running, type ToolName, tellAll } from './outcome.ts'
import { kindOfResult, kindOfUse } from './uses.ts'

/** A use that was called for in the turn before, and is to be answered at the start of this one. */
export interface Owed {
  use: string
  outcome: Outcome
}

export interface Rebuilt {
  edits: Edit[]
  /** Every search result of the request, in its order. */
  places: Place[]
  owed: Owed[]
  /** The tools that are called in it now. */
  called: Set<ToolName>
}

interface Manner {
  sealer: Sealer
  citing: Citing
  /** What the upstream has itself: of that only what this gateway has sealed, nobody else being able to read it, is put back. */
  native: readonly ToolName[]
  /** Runs a use that is still to be answered; without its tool, such a one has failed. */
  running: Running
}

interface Work extends Manner, Rebuilt {
  body: Uint8Array
  messages: readonly Value[]
  /** The results in the conversation, by the use they belong to. */
  results: ReadonlyMap<string, Result>
}

interface Result {
  outcome: Outcome
  more: string
}

/** A tool call in the segment at hand, and what answers it. */
interface Use {
  id: string
  result: Result
}

export async function rebuilt({ body, outline }: Call, manner: Manner): Promise<Rebuilt> {
  const messages = messagesOf(outline)
  const results = await resultsIn(body, messages, manner)
  const called = new Set<ToolName>()
  const work: Work = { ...manner, body, messages, results, edits: [], places: [], owed: [], called }
  const emptied = new Set<Value>()
  let answers: string[] = []
  for (const [index, message] of messages.entries()) {
    if (roleOf(body, message) === 'assistant') {
      const left = await assistantTurn(work, message, () => isOpenEnd(body, messages.slice(index + 1)))
      if (left === 'nothing') emptied.add(message)
      else answers = left
      if (roleOf(body, messages[index + 1]) !== 'user') answers = answerAfter(work, message, answers)
    } else if (roleOf(body, message) === 'user') {
      answerIn(work, message, answers)
      answers = []
      for (const _ of ownBlocks(body, message, 'search_result')) work.places.push('theirs')
    }
  }
  work.edits.push(...without([...messages], (message) => emptied.has(message)))
  return work
}

async function resultsIn(body: Uint8Array, messages: readonly Value[], { sealer, native }: Manner) {
  const blocks = messages.flatMap((message) => member(message, 'content')?.elements ?? [])
  const read = blocks.map(async (block): Promise<[string, Result][]> => {
    const kind = kindOfResult({ body, native }, block)
    if (!kind) return []
    const outcome = await kind.outcomeOf(body, block, sealer)
    return [[idIn(body, block, 'tool_use_id'), { outcome, more: breakpoint(body, block) }]]
  })
  return new Map((await Promise.all(read)).flat())
}

/** Of a use that is to be put back into a tool call. */
function kindPutBack({ body, native, results }: Work, block: Value): Kind | undefined {
  const kind = kindOfUse(body, block)
  return kind && (!native.includes(kind.name) || results.has(idIn(body, block, 'id'))) ? kind : undefined
}

/** As much of an assistant message as is one turn to the model. */
interface Segment {
  /** Uses that its next results answer. */
  open: Use[]
  callsClient: boolean
  last: Value | undefined
  /** Results stand behind the last block. */
  answered: boolean
}

/**
 * Puts tool calls where uses stand, and ends the turn where their results do. Gives the answers that the next turn
 * has to start with, or `nothing` where nothing is left of the message.
 */
async function assistantTurn(
  work: Work,
  message: Value,
  isOpen: () => boolean,
): Promise<string[] | 'nothing'> {
  const content = member(message, 'content')
  if (!content?.elements) return []
  const segment: Segment = { open: [], callsClient: false, last: undefined, answered: false }
  for (const block of content.elements) {
    if (kindOfResult(work, block)) {
      segment.answered = true
      continue
    }
    if (segment.answered) passResults(work, segment, { message, content, block })
    const kind = kindPutBack(work, block)
    if (kind) segment.open.push(await toolUse(work, kind, block, isOpen))
    else await citationsOf(work, block)
    segment.callsClient ||= isBlock(work.body, block, 'tool_use')
    segment.last = block
  }
  const { last, answered, open } = segment
  if (!last && content.elements.length > 0) return 'nothing'
  if (last && answered) work.edits.push({ start: last.end, end: content.end - 1 })
  return answersTo(work, open)
}

/** Takes the results in front of a block out. A turn ends with them, unless it also calls tools of the client's. */
function passResults(
  work: Work,
  segment: Segment,
  { message, content, block }: { message: Value; content: Value; block: Value },
) {
  const { last, open, callsClient } = segment
  const ends = open.length > 0 && !callsClient
  const text = ends ? turnEnd(work, message, content, open) : last ? ',' : ''
  work.edits.push({ start: last?.end ?? content.start + 1, end: block.start, text })
  if (ends) segment.open = []
  segment.answered = false
}

/** Closes the message, answers, and opens another one like it. */
function turnEnd(work: Work, message: Value, content: Value, open: readonly Use[]): string {
  const before = decoder.decode(work.body.subarray(message.start, content.start))
  const after = decoder.decode(work.body.subarray(content.end, message.end))
  return `]${after},${userMessage(answersTo(work, open))},${before}[`
}

const decoder = new TextDecoder()

async function toolUse(work: Work, kind: Kind, block: Value, isOpen: () => boolean): Promise<Use> {
  const { body, edits, results } = work
  const { name } = kind
  const id = idIn(body, block, 'id')
  const said = textOf(body, member(block, 'input'))
  const input = said.startsWith('{') ? said : '{}'
  const own = JSON.stringify(modelId(id))
  const text = `{"type":"tool_use","id":${own},"name":"${name}","input":${input}${breakpoint(body, block)}}`
  edits.push({ start: block.start, end: block.end, text })
  work.called.add(name)
  const known = results.get(id)
  if (known) return { id, result: known }
  const runner = work.running[name]
  if (!runner || !isOpen()) return { id, result: { outcome: kind.failed('unavailable'), more: '' } }
  const outcome = await runner.run(input)
  tellAll(work.running, name, outcome)
  work.owed.push({ use: id, outcome })
  return { id, result: { outcome, more: '' } }
}

function answersTo(work: Work, open: readonly Use[]): string[] {
  const { citing, places } = work
  return open.map(({ id, result: { outcome, more } }) => {
    places.push(...placesOf(id, outcome))
    return outcome.forModel(modelId(id), { citing, more })
  })
}

/** Answers that no user message follows get one of their own. */
function answerAfter(work: Work, message: Value, answers: string[]): [] {
  if (answers.length > 0)
    work.edits.push({ start: message.end, end: message.end, text: `,${userMessage(answers)}` })
  return []
}

function userMessage(blocks: readonly string[]): string {
  return `{"role":"user","content":[${blocks.join(',')}]}`
}

/** What answers a tool call comes before everything else in a message. */
function answerIn(work: Work, message: Value, answers: readonly string[]) {
  const content = member(message, 'content')
  if (answers.length === 0 || !content) return
  work.edits.push(...userContent(work.body, content, answers))
}

async function citationsOf({ body, edits, places, sealer, citing, native }: Work, block: Value) {
  const value = member(block, 'citations')
  if (!value) return
  const citations = parse<unknown>(body, value)
  if (!Array.isArray(citations) || citations.length === 0) return
  const mapped = await Promise.all(
    (citations as Citation[]).map((each) => {
      const isPage = each['type'] === 'web_search_result_location'
      if (isPage && native.includes('web_search') && !looksSealed(each['encrypted_index'])) return each
      return isPage && !citing.results ? undefined : forModel(each, places, sealer)
    }),
  )
  const kept = mapped.filter((each) => each !== undefined)
  if (kept.length === 0) edits.push(...without(block.members, ({ key }) => key === 'citations'))
  else if (kept.some((each, index) => each !== citations[index]))
    edits.push({ start: value.start, end: value.end, text: JSON.stringify(kept) })
}
