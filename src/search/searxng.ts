/** SearXNG, one's own metasearch. `json` must be among its formats. https://docs.searxng.org/dev/search_api.html */
import { askJson, narrowed, plainText, result, resultsIn, textIn, thing } from './ask.ts'
import {
  type Engine,
  type Lent,
  SearchError,
  type SearchQuery,
  type SearchResult,
  type Settings,
} from './engine.ts'

const LONGEST = 1_000

export const searxng = {
  kind: 'searxng',
  label: 'SearXNG',
  fields: [
    { name: 'url', label: 'Address', required: true, url: true, hint: 'https://searx.example.com' },
    { name: 'language', label: 'Language', hint: 'auto' },
    { name: 'categories', label: 'Categories', hint: 'general' },
  ],
  longestQuery: LONGEST,
  search,
} satisfies Engine

async function search(asked: SearchQuery, settings: Settings, lent: Lent): Promise<SearchResult[]> {
  const url = endpoint(settings['url'])
  url.searchParams.set('q', narrowed(asked.query, asked, LONGEST))
  url.searchParams.set('format', 'json')
  url.searchParams.set('categories', settings['categories'] || 'general')
  url.searchParams.set('language', settings['language'] || 'auto')
  // Its bot detection turns away what does not say who it is.
  const headers = { accept: 'application/json', 'user-agent': 'Outcrop' }
  const answer = thing(await askJson({ url: url.href, headers }, lent))
  const results = resultsIn(answer['results'], (item) =>
    result({
      url: textIn(item['url']),
      title: plainText(textIn(item['title']) ?? ''),
      snippet: plainText(textIn(item['content']) ?? ''),
      pageAge: textIn(item['publishedDate']),
    }),
  )
  const silent = answer['unresponsive_engines']
  if (results.length === 0 && Array.isArray(silent) && silent.length > 0) {
    throw new SearchError('unavailable', 'none of the engines behind SearXNG answered')
  }
  return results
}

/** The address of the instance, with or without a path, a slash or `/search` at its end. */
function endpoint(address: string | undefined): URL {
  const base = (address ?? '').replace(/\/+$/, '').replace(/\/search$/, '')
  if (!URL.canParse(`${base}/search`))
    throw new SearchError('unavailable', 'the address of SearXNG is not a URL')
  return new URL(`${base}/search`)
}
