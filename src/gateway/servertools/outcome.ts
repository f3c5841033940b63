/**
 * What the tools have in common that Anthropic's servers run and this gateway runs in their place, and what came of
 * using one, in its two forms: the block that the client gets and sends back, and the tool result the model reads.
 */
import type { Json } from '../../protocol/blocks.ts'
import type { Value } from '../../protocol/json.ts'
import type { Sealer } from '../../protocol/sealed.ts'
import type { SearchResult } from '../../search/engine.ts'

export type ToolName = 'web_search' | 'web_fetch'

export interface Kind {
  name: ToolName
  /** The type of the block that tells a client what came of a use. */
  found: 'web_search_tool_result' | 'web_fetch_tool_result'
  /** The tool as a model without server tools knows it. */
  ordinary: Json
  /** Whether a client's block holds anything that only this gateway can read. */
  isOurs(body: Uint8Array, block: Value): boolean
  /** The outcome that a client's block tells of. */
  outcomeOf(body: Uint8Array, block: Value, sealer: Sealer): Promise<Outcome>
  failed(code: 'unavailable' | 'invalid_tool_input'): Outcome
}

export interface Outcome {
  /** The block for the client, as JSON text. */
  forClient(serverId: string, sealer: Sealer): Promise<string>
  /** The `tool_result` block for the model, as JSON text. */
  forModel(id: string, manner: ResultManner): string
  /** The search results in it, which a citation counts. */
  results: readonly SearchResult[]
  /** The addresses that came with it from outside, by their keys. */
  links(): Iterable<string>
}

/** Which of what we give the model it may cite: of either sort every one in a request does, or none does. */
export interface Citing {
  results: boolean
  documents: boolean
}

export interface ResultManner {
  citing: Citing
  /** Further members of the block, as JSON text with a comma in front. */
  more?: string
}

/** What runs the uses of one tool for one request. */
export interface Runner {
  /** Never rejects. `input` is what the model said, as JSON text. */
  run(input: string): Promise<Outcome>
  /** How many were answered: what Anthropic counts as requests. */
  answered(): number
  /** Told of everything that the model is told, of whichever tool. */
  hear(from: ToolName, outcome: Outcome): void
}

/** A runner for each of the tools that a request brings. */
export type Running = Readonly<Partial<Record<ToolName, Runner>>>

export function tellAll(running: Running, from: ToolName, outcome: Outcome) {
  for (const runner of Object.values(running)) runner.hear(from, outcome)
}

/** A `tool_result` block. */
export function toolResult(id: string, said: Json, { more = '' }: ResultManner): string {
  const block = { type: 'tool_result', tool_use_id: id, ...said }
  return `${JSON.stringify(block).slice(0, -1)}${more}}`
}

/** A block that tells a client what came of a use. */
export function resultBlock(type: Kind['found'], serverId: string, content: unknown): string {
  return JSON.stringify({ type, tool_use_id: serverId, caller: { type: 'direct' }, content })
}

export function asThing(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}
