/**
 * What came of a search, in its two forms: the block that the client gets and sends back, and the tool result that
 * the model reads. What the pages say is in the first form sealed, and comes out of it word for word, so that a
 * replayed conversation is to the model the one it had.
 */
import { member, parse, type Value } from '../../protocol/json.ts'
import { looksSealed, type Sealer } from '../../protocol/sealed.ts'
import type { SearchErrorCode, SearchResult } from '../../search/engine.ts'

export type Outcome = { results: readonly SearchResult[] } | { error: SearchErrorCode }

export const UNAVAILABLE: Outcome = { error: 'unavailable' }

/** For `encrypted_content`. */
export async function clientBlock(serverId: string, outcome: Outcome, sealer: Sealer): Promise<string> {
  const content =
    'error' in outcome
      ? { type: 'web_search_tool_result_error', error_code: outcome.error }
      : await Promise.all(outcome.results.map((result) => clientResult(result, sealer)))
  return JSON.stringify({
    type: 'web_search_tool_result',
    tool_use_id: serverId,
    caller: { type: 'direct' },
    content,
  })
}

async function clientResult({ url, title, snippet, pageAge }: SearchResult, sealer: Sealer) {
  const hidden = JSON.stringify(pageAge === undefined ? [snippet] : [snippet, pageAge])
  return {
    type: 'web_search_result',
    title,
    url,
    encrypted_content: await sealer.seal(hidden, contextOf(url, title)),
    page_age: pageAge ?? null,
  }
}

/** What is sealed belongs to what can be read beside it. */
function contextOf(url: string, title: string): string {
  return JSON.stringify([url, title])
}

/** The outcome that a client's block tells of. What it does not let be read again is as good as its title. */
export async function outcomeOf(body: Uint8Array, block: Value, sealer: Sealer): Promise<Outcome> {
  const content = member(block, 'content')
  if (!content) return UNAVAILABLE
  const said = parse<unknown>(body, content)
  if (!Array.isArray(said)) return { error: errorCode(said) }
  const results = await Promise.all(said.map((item: unknown) => resultOf(item, sealer)))
  return { results: results.filter((result) => result !== undefined) }
}

async function resultOf(item: unknown, sealer: Sealer): Promise<SearchResult | undefined> {
  const { url, title, encrypted_content: sealed, page_age: age } = asThing(item)
  if (typeof url !== 'string' || url === '') return undefined
  const name = typeof title === 'string' && title !== '' ? title : url
  const opened =
    typeof sealed === 'string' ? await sealer.open(sealed, contextOf(url, String(title))) : undefined
  if (opened !== undefined) {
    const [snippet = name, pageAge] = JSON.parse(opened) as [string?, string?]
    return { url, title: name, snippet, ...(pageAge === undefined ? {} : { pageAge }) }
  }
  const pageAge = typeof age === 'string' && age !== '' ? { pageAge: age } : {}
  return { url, title: name, snippet: name, ...pageAge }
}

/** Whether a client's block holds anything that only this gateway can read. */
export function isOurs(body: Uint8Array, block: Value): boolean {
  const content = member(block, 'content')
  const said = content && parse<unknown>(body, content)
  return Array.isArray(said) && said.some((item: unknown) => looksSealed(asThing(item)['encrypted_content']))
}

const CODES: readonly SearchErrorCode[] = [
  'unavailable',
  'too_many_requests',
  'query_too_long',
  'invalid_tool_input',
  'max_uses_exceeded',
]

function errorCode(said: unknown): SearchErrorCode {
  const { error_code: code } = asThing(said)
  return CODES.find((each) => each === code) ?? 'unavailable'
}

function asThing(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

const SENTENCES: Readonly<Record<SearchErrorCode, string>> = {
  unavailable: 'Web search is not available just now.',
  too_many_requests: 'Too many web searches just now.',
  query_too_long: 'The query is too long for a web search.',
  invalid_tool_input: 'The input of a web search is an object with a query, which is a text.',
  max_uses_exceeded: 'No more web searches are allowed in this turn.',
}
const NOTHING = 'The search found nothing.'

interface Manner {
  /** Every search result of a request has citations on, or none has. */
  citing: boolean
  /** Further members of the block, as JSON text with a comma in front. */
  more?: string
}

/** The `tool_result` block for the model, as JSON text. */
export function toolResult(id: string, outcome: Outcome, { citing, more = '' }: Manner): string {
  const said =
    'error' in outcome
      ? { content: SENTENCES[outcome.error], is_error: true }
      : { content: outcome.results.length === 0 ? NOTHING : outcome.results.map(searchResult(citing)) }
  const block = { type: 'tool_result', tool_use_id: id, ...said }
  return `${JSON.stringify(block).slice(0, -1)}${more}}`
}

function searchResult(citing: boolean) {
  return (result: SearchResult) => ({
    type: 'search_result',
    source: result.url,
    title: result.title,
    content: textsOf(result).map((text) => ({ type: 'text', text })),
    ...(citing ? { citations: { enabled: true } } : {}),
  })
}

/** The blocks of text a search result has for the model, which is what a citation counts. */
export function textsOf({ snippet, pageAge }: SearchResult): string[] {
  return pageAge === undefined ? [snippet] : [snippet, `Page age: ${pageAge}`]
}
