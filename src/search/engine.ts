/** The contract of a search engine: a question in, results out. It is handed what it may use and reaches for nothing. */
import type { Send } from '../protocol/send.ts'
import type { Field, Settings } from '../protocol/settings.ts'

export type { Field, Settings } from '../protocol/settings.ts'

export interface SearchQuery {
  query: string
  /** How many results are wanted; fewer and more are both fine. */
  count: number
  /** `example.com` or `example.com/path`. The gateway filters too: an engine that can does it for better results. */
  allowedDomains: readonly string[]
  blockedDomains: readonly string[]
  /** ISO 3166-1, two capital letters. */
  country?: string
  region?: string
  city?: string
  /** IANA. */
  timezone?: string
}

export interface SearchResult {
  url: string
  title: string
  /** What the page says, in plain text. */
  snippet: string
  /** How old the page is, in the engine's words. */
  pageAge?: string
}

/** What an engine may use. */
export interface Lent {
  fetch: Send
  /** Aborts when the time is up or nobody waits any more. */
  signal: AbortSignal
}

export interface Engine {
  kind: string
  label: string
  fields: readonly Field[]
  /** The longest question it takes, in characters. */
  longestQuery: number
  /** @throws SearchError for every refusal and failure. */
  search(query: SearchQuery, settings: Settings, lent: Lent): Promise<SearchResult[]>
}

/** As the Messages API words what went wrong with a search. */
export type SearchErrorCode =
  | 'unavailable'
  | 'too_many_requests'
  | 'query_too_long'
  | 'invalid_tool_input'
  | 'max_uses_exceeded'

/** Its message is for the operator's log: never the question, never what the engine said. */
export class SearchError extends Error {
  readonly code: SearchErrorCode

  constructor(code: SearchErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'SearchError'
    this.code = code
  }
}
