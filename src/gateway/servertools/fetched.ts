/**
 * What came of fetching a page. To the client it is in plain sight, as Anthropic gives it, so that a replayed
 * conversation is rebuilt from the block itself.
 */
import { member, parse } from '../../protocol/json.ts'
import type { FetchErrorCode, FetchedPage } from '../webfetch.ts'
import { ORDINARY_FETCH } from './fetchtool.ts'
import { urlsIn } from './links.ts'
import { asThing, type Kind, type Outcome, type ResultManner, resultBlock, toolResult } from './outcome.ts'

export type FetchFailure =
  | FetchErrorCode
  | 'url_not_allowed'
  | 'url_not_in_prior_context'
  | 'max_uses_exceeded'

/** A page, as far as it goes to the client and comes back. */
export interface Page {
  url: string
  title: string | undefined
  source: FetchedPage['source']
  retrievedAt: string | undefined
  /** Whether whoever asked for it wants it cited. */
  cited: boolean
}

export const FETCH: Kind = {
  name: 'web_fetch',
  found: 'web_fetch_tool_result',
  ordinary: ORDINARY_FETCH,
  isOurs: () => false,
  async outcomeOf(body, block) {
    const content = member(block, 'content')
    const said = asThing(content && parse<unknown>(body, content))
    const page = pageIn(said)
    return page ? fetched(page) : failedFetch(errorCode(said['error_code']))
  },
  failed: failedFetch,
}

export function fetched(page: Page): Outcome {
  const { url, title, source, retrievedAt } = page
  const citations = page.cited ? { enabled: true } : null
  const content = {
    type: 'web_fetch_result',
    url,
    content: { type: 'document', source, title: title ?? null, citations },
    retrieved_at: retrievedAt ?? null,
  }
  return {
    results: [],
    forClient: async (serverId) => resultBlock(FETCH.found, serverId, content),
    forModel: (id, manner) => toolResult(id, { content: forModel(page, manner) }, manner),
    links: () => [...urlsIn(url), ...(source.type === 'text' ? urlsIn(source.data) : [])],
  }
}

export function failedFetch(error: FetchFailure): Outcome {
  const content = { type: 'web_fetch_tool_result_error', error_code: error }
  return {
    results: [],
    forClient: async (serverId) => resultBlock(FETCH.found, serverId, content),
    forModel: (id, manner) => toolResult(id, { content: SENTENCES[error], is_error: true }, manner),
    links: () => [],
  }
}

/** Upstreams take no empty document. */
function forModel({ url, title, source, retrievedAt }: Page, { citing }: ResultManner) {
  if (source.type === 'text' && source.data.trim() === '') return `The page ${url} has no text.`
  const when = retrievedAt === undefined ? '' : ` at ${retrievedAt}`
  const document = {
    type: 'document',
    source,
    ...(title === undefined ? {} : { title }),
    context: `Fetched from ${url}${when}.`,
    ...(citing.documents ? { citations: { enabled: true } } : {}),
  }
  return [document]
}

function pageIn(said: Readonly<Record<string, unknown>>): Page | undefined {
  const { url, retrieved_at: at } = said
  const { title, source, citations } = asThing(said['content'])
  const { type, media_type: mediaType, data } = asThing(source)
  if (typeof url !== 'string' || typeof data !== 'string') return undefined
  const page = {
    url,
    title: typeof title === 'string' && title !== '' ? title : undefined,
    retrievedAt: typeof at === 'string' ? at : undefined,
    cited: asThing(citations)['enabled'] === true,
  }
  if (type === 'text') return { ...page, source: { type, media_type: 'text/plain', data } }
  if (type !== 'base64' || mediaType !== 'application/pdf' || data === '') return undefined
  return { ...page, source: { type, media_type: mediaType, data } }
}

const SENTENCES: Readonly<Record<FetchFailure, string>> = {
  invalid_tool_input: 'The input of a web fetch is an object with a url, which begins with https://.',
  url_too_long: 'The URL is too long to be fetched.',
  url_not_allowed: 'Pages of this domain may not be fetched.',
  url_not_in_prior_context:
    'Only URLs can be fetched that already stand, letter for letter, in a message of the user, in the result of a ' +
    'tool, or in a page that was searched for or fetched before.',
  url_not_accessible: 'The page cannot be reached.',
  unsupported_content_type: 'The URL leads to something that is neither text nor a PDF.',
  too_many_requests: 'The site takes no more requests just now.',
  content_too_large: 'The page is too large.',
  max_uses_exceeded: 'No more pages may be fetched in this turn.',
  unavailable: 'Web fetch is not available just now.',
}

function errorCode(said: unknown): FetchFailure {
  const code = String(said)
  return Object.hasOwn(SENTENCES, code) ? (code as FetchFailure) : 'unavailable'
}
