/**
 * The addresses that a conversation holds and the model has not made up. It is led to fetch one of those or none: were
 * any address fetched that it can write, whatever it has read could be sent away in one. Its own words, its thinking
 * and the arguments of its tool calls never count, nor does the system prompt.
 */
import type { Json } from '../../protocol/blocks.ts'
import { parse } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import { messagesOf } from './blocks.ts'
import type { UrlSources } from './fetchtool.ts'
import { urlsIn } from './links.ts'
import { asThing } from './outcome.ts'

/** However long a conversation is: what was said last is read first. */
const MOST = 50_000

/** The keys of all addresses in a conversation, as its client sent it. */
export function addressesIn({ body, outline }: Call, sources: UrlSources): Set<string> {
  const callers = new Map<unknown, string>()
  const read = messagesOf(outline).flatMap((each) => {
    const { role, content } = asThing(parse<unknown>(body, each))
    return blocksOf(content).flatMap((block) => {
      if (role === 'user') return [...inUserBlock(block, sources, callers)]
      if (role !== 'assistant') return []
      if (block['type'] === 'tool_use') callers.set(block['id'], String(block['name']))
      return [...inServerResult(block, sources)]
    })
  })
  const budget = { left: MOST }
  return new Set(read.toReversed().flatMap((text) => [...urlsIn(text, budget)]))
}

function blocksOf(content: unknown): Json[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? content.map(asThing) : []
}

function* inUserBlock(
  block: Json,
  sources: UrlSources,
  callers: ReadonlyMap<unknown, string>,
): Generator<string> {
  if (block['type'] !== 'tool_result') {
    if (sources.user) yield* inGiven(block)
    return
  }
  if (!sources.client(callers.get(block['tool_use_id']))) return
  for (const inner of blocksOf(block['content'])) yield* inGiven(inner)
}

/** The texts in what a user or a tool gave: text, a document that is text, a search result. */
function* inGiven(block: Json): Generator<string> {
  const { type } = block
  if (type === 'text') yield* texts(block['text'])
  if (type === 'document') {
    const source = asThing(block['source'])
    if (source['type'] === 'text') yield* texts(source['data'])
    if (source['type'] === 'content') yield* texts(...textsIn(source['content']))
  }
  if (type === 'search_result') yield* texts(block['source'], ...textsIn(block['content']))
}

function textsIn(content: unknown): unknown[] {
  return blocksOf(content).map(({ text }) => text)
}

function texts(...values: unknown[]): string[] {
  return values.filter((value) => typeof value === 'string')
}

/** In a page that was searched for or fetched in an earlier answer. Of a search only what was found counts. */
function* inServerResult(block: Json, { server }: UrlSources): Generator<string> {
  const { type, content } = block
  if (type === 'web_search_tool_result' && server('web_search') && Array.isArray(content)) {
    yield* texts(...content.map((result: unknown) => asThing(result)['url']))
  }
  if (type === 'web_fetch_tool_result' && server('web_fetch')) {
    const { url, content: document } = asThing(content)
    yield* texts(url)
    yield* inGiven(asThing(document))
  }
}
