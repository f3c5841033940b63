/**
 * What came of a search. What the pages say is sealed in the client's block, and comes out of it word for word, so
 * that a replayed conversation is to the model the one it had.
 */
import { member, parse, type Value } from '../../protocol/json.ts'
import { looksSealed, type Sealer } from '../../protocol/sealed.ts'
import type { SearchErrorCode, SearchResult } from '../../search/engine.ts'
import { urlKey } from './links.ts'
import { asThing, type Kind, type Outcome, resultBlock, toolResult } from './outcome.ts'
import { ORDINARY_SEARCH } from './searchtool.ts'

export const SEARCH: Kind = {
  name: 'web_search',
  found: 'web_search_tool_result',
  ordinary: ORDINARY_SEARCH,
  isOurs: (body, block) =>
    listIn(body, block)?.some((item) => looksSealed(asThing(item)['encrypted_content'])) ?? false,
  /** What a block does not let be read again is as good as its title. */
  async outcomeOf(body, block, sealer) {
    const items = listIn(body, block)
    if (!items) return failedSearch(errorCode(contentOf(body, block)))
    const results = await Promise.all(items.map((item) => resultOf(item, sealer)))
    return searched(results.filter((result) => result !== undefined))
  },
  failed: failedSearch,
}

export function searched(results: readonly SearchResult[]): Outcome {
  return {
    results,
    async forClient(serverId, sealer) {
      const content = await Promise.all(results.map((result) => clientResult(result, sealer)))
      return resultBlock(SEARCH.found, serverId, content)
    },
    forModel(id, manner) {
      const content = results.length === 0 ? NOTHING : results.map(searchResult(manner.citing.results))
      return toolResult(id, { content }, manner)
    },
    // Not what the snippets name: an engine may say again in them what was asked for.
    links: () => results.flatMap(({ url }) => urlKey(url) ?? []),
  }
}

export function failedSearch(error: SearchErrorCode): Outcome {
  const content = { type: 'web_search_tool_result_error', error_code: error }
  return {
    results: [],
    forClient: async (serverId) => resultBlock(SEARCH.found, serverId, content),
    forModel: (id, manner) => toolResult(id, { content: SENTENCES[error], is_error: true }, manner),
    links: () => [],
  }
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

function contentOf(body: Uint8Array, block: Value): unknown {
  const content = member(block, 'content')
  return content && parse<unknown>(body, content)
}

function listIn(body: Uint8Array, block: Value): readonly unknown[] | undefined {
  const said = contentOf(body, block)
  return Array.isArray(said) ? said : undefined
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

const SENTENCES: Readonly<Record<SearchErrorCode, string>> = {
  unavailable: 'Web search is not available just now.',
  too_many_requests: 'Too many web searches just now.',
  query_too_long: 'The query is too long for a web search.',
  invalid_tool_input: 'The input of a web search is an object with a query, which is a text.',
  max_uses_exceeded: 'No more web searches are allowed in this turn.',
}
const NOTHING = 'The search found nothing.'

function errorCode(said: unknown): SearchErrorCode {
  const code = String(asThing(said)['error_code'])
  return Object.hasOwn(SENTENCES, code) ? (code as SearchErrorCode) : 'unavailable'
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
