/** Searches of one request: run by an engine, counted, bounded in time, and never a reason for the answer to break. */

import { within } from '../../protocol/deadline.ts'
import type { Metrics } from '../../protocol/metrics.ts'
import type { Send } from '../../protocol/send.ts'
import type { Log } from '../../runtime.ts'
import {
  type Engine,
  SearchError,
  type SearchErrorCode,
  type SearchResult,
  type Settings,
} from '../../search/engine.ts'
import { covered } from './domains.ts'
import { legible } from './legible.ts'
import type { Runner } from './outcome.ts'
import { failedSearch, searched } from './searched.ts'
import type { SearchTool, SearchWish } from './searchtool.ts'

/** An engine and the settings to use it with. */
export interface Chosen {
  engine: Engine
  settings: Settings
  /** Its way out, where that is not the usual one: a guarded one, when a setting says where to go. */
  fetch?: Send
}

interface Lent {
  fetch: Send
  log: Log
  metrics: Metrics
  /** Of the request, for the log. */
  id: string
  /** Aborts when nobody waits any more. */
  signal: AbortSignal
}

/** Milliseconds for one search. */
const PATIENCE = 10_000
const WANTED = 10
/** However many uses are allowed: each result costs tokens in every step that follows. */
const MOST_USES = 30

export function searches(tool: SearchTool, chosen: Chosen, lent: Lent): Runner {
  const { engine, settings, fetch = lent.fetch } = chosen
  let used = 0
  let answered = 0

  async function attempt(input: string): Promise<SearchResult[]> {
    const query = queryIn(input)
    if (query === undefined) throw new SearchError('invalid_tool_input', 'the model gave no query')
    if (used >= Math.min(tool.maxUses ?? MOST_USES, MOST_USES))
      throw new SearchError('max_uses_exceeded', 'no uses are left')
    used++
    if (query.length > engine.longestQuery) throw new SearchError('query_too_long', 'the query is too long')
    const { maxUses: _, edits: __, ...wish } = tool
    const deadline = {
      timeout: PATIENCE,
      signal: lent.signal,
      late: () => new SearchError('unavailable', `the engine took longer than ${PATIENCE} ms`),
      left: () => new SearchError('unavailable', 'nobody waits any more'),
    }
    const found = await within(deadline, (signal) =>
      engine.search({ query, count: WANTED, ...wish }, settings, { fetch, signal }),
    )
    return tidy(found, tool)
  }

  function report(outcome: SearchErrorCode | 'answered', error?: unknown) {
    lent.metrics.count('outcrop_web_searches_total', { engine: engine.kind, outcome })
    if (outcome !== 'unavailable' && outcome !== 'too_many_requests') return
    // What an engine's own code throws may hold what was asked: only what is ours is logged.
    const cause = error instanceof SearchError ? error.message : 'the engine failed'
    lent.log('warn', 'web search failed', { id: lent.id, engine: engine.kind, error: outcome, cause })
  }

  return {
    answered: () => answered,
    hear() {},
    async run(input) {
      try {
        const results = await attempt(input)
        answered++
        report('answered')
        return searched(results)
      } catch (error) {
        const code = error instanceof SearchError ? error.code : 'unavailable'
        report(code, error)
        return failedSearch(code)
      }
    },
  }
}

function queryIn(input: string): string | undefined {
  const { query } = JSON.parse(input) as { query?: unknown }
  return typeof query === 'string' && query.trim() !== '' ? query.trim() : undefined
}

const LONGEST_TITLE = 300
const LONGEST_SNIPPET = 4_000

/** What was asked for and can be shown, each page once. */
function tidy(
  results: readonly SearchResult[],
  { allowedDomains, blockedDomains }: SearchWish,
): SearchResult[] {
  const wanted = results.filter(
    ({ url }) =>
      /^https?:\/\//i.test(url) &&
      (allowedDomains.length === 0 || covered(url, allowedDomains)) &&
      !covered(url, blockedDomains),
  )
  const once = wanted.filter(({ url }, index) => wanted.findIndex((other) => other.url === url) === index)
  return once.slice(0, WANTED).map(tidied)
}

function tidied({ url, title, snippet, pageAge }: SearchResult): SearchResult {
  const name = legible(title, LONGEST_TITLE) || url
  const age = legible(pageAge ?? '', LONGEST_TITLE)
  return {
    url,
    title: name,
    snippet: legible(snippet, LONGEST_SNIPPET) || name,
    ...(age === '' ? {} : { pageAge: age }),
  }
}
