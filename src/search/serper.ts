/** Serper: Google's results. https://serper.dev/playground */
import { askJson, narrowed, result, resultsIn, textIn, thing } from './ask.ts'
import type { Engine, Lent, SearchQuery, SearchResult, Settings } from './engine.ts'

const LONGEST = 2_000

export const serper = {
  kind: 'serper',
  label: 'Serper (Google)',
  fields: [{ name: 'apiKey', label: 'API key', required: true, secret: true }],
  longestQuery: LONGEST,
  search,
} satisfies Engine

/** Ten results cost one credit, more cost two. */
const PER_CREDIT = 10

async function search(asked: SearchQuery, settings: Settings, lent: Lent): Promise<SearchResult[]> {
  const body = {
    q: narrowed(asked.query, asked, LONGEST),
    num: Math.min(asked.count, PER_CREDIT),
    ...(asked.country ? { gl: asked.country.toLowerCase() } : {}),
  }
  const headers = {
    'x-api-key': settings['apiKey'] ?? '',
    'content-type': 'application/json',
    accept: 'application/json',
  }
  const request = {
    url: 'https://google.serper.dev/search',
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  } as const
  const answer = thing(await askJson(request, lent))
  return resultsIn(answer['organic'], (item) =>
    result({
      url: textIn(item['link']),
      title: textIn(item['title']),
      snippet: textIn(item['snippet']),
      pageAge: textIn(item['date']),
    }),
  )
}
