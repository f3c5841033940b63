/**
 * Any other engine, behind a small contract of ours.
 *
 *     POST <address>          authorization: Bearer <token>, where one is set
 *     {"query": "…", "count": 10, "allowed_domains": ["example.com"], "country": "US", …}
 *
 *     200 {"results": [{"url": "https://…", "title": "…", "snippet": "…", "page_age": "2 days ago"}]}
 *
 * A bare array is taken as well, and so are `link`, `content` and `description` where others say `url` and `snippet`.
 * 429 means too many requests; any other status, that the engine is unavailable.
 */
import { askJson, result, resultsIn, textIn, thing } from './ask.ts'
import {
  type Engine,
  type Lent,
  SearchError,
  type SearchQuery,
  type SearchResult,
  type Settings,
} from './engine.ts'

export const custom = {
  kind: 'custom',
  label: 'Custom',
  fields: [
    { name: 'url', label: 'Address', required: true, url: true, hint: 'https://search.example.com/query' },
    { name: 'token', label: 'Bearer token', secret: true },
  ],
  longestQuery: 2_000,
  search,
} satisfies Engine

async function search(asked: SearchQuery, settings: Settings, lent: Lent): Promise<SearchResult[]> {
  const url = settings['url'] ?? ''
  if (!URL.canParse(url)) throw new SearchError('unavailable', 'the address of the engine is not a URL')
  const { query, count, allowedDomains, blockedDomains, ...whereabouts } = asked
  const body = {
    query,
    count,
    ...(allowedDomains.length > 0 ? { allowed_domains: allowedDomains } : {}),
    ...(blockedDomains.length > 0 ? { blocked_domains: blockedDomains } : {}),
    ...whereabouts,
  }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(settings['token'] ? { authorization: `Bearer ${settings['token']}` } : {}),
  }
  const answer = await askJson({ url, method: 'POST', headers, body: JSON.stringify(body) }, lent)
  return resultsIn(Array.isArray(answer) ? answer : thing(answer)['results'], (item) =>
    result({
      url: textIn(item['url'], item['link']),
      title: textIn(item['title'], item['name']),
      snippet: textIn(item['snippet'], item['content'], item['description']),
      pageAge: textIn(item['page_age'], item['date']),
    }),
  )
}
