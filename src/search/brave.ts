/** Brave Search. https://api-dashboard.search.brave.com/app/documentation/web-search/get-started */
import { askJson, narrowed, plainText, result, resultsIn, type Thing, textIn, thing } from './ask.ts'
import type { Engine, Lent, SearchQuery, SearchResult, Settings } from './engine.ts'

const LONGEST = 400
const MOST_WORDS = 50

export const brave = {
  kind: 'brave',
  label: 'Brave Search',
  fields: [{ name: 'apiKey', label: 'Subscription token', required: true, secret: true }],
  longestQuery: LONGEST,
  search,
} satisfies Engine

async function search(asked: SearchQuery, settings: Settings, lent: Lent): Promise<SearchResult[]> {
  const url = new URL('https://api.search.brave.com/res/v1/web/search')
  url.searchParams.set('q', question(asked))
  url.searchParams.set('count', String(Math.min(asked.count, 20)))
  url.searchParams.set('result_filter', 'web')
  url.searchParams.set('text_decorations', 'false')
  url.searchParams.set('extra_snippets', 'true')
  const headers = {
    accept: 'application/json',
    'x-subscription-token': settings['apiKey'] ?? '',
    ...whereabouts(asked),
  }
  const answer = thing(await askJson({ url: url.href, headers }, lent))
  // Where there is nothing to find, the answer has no `web` at all.
  if (answer['web'] === undefined && answer['type'] === 'search') return []
  return resultsIn(thing(answer['web'])['results'], (item) =>
    result({
      url: textIn(item['url']),
      title: plainText(textIn(item['title']) ?? ''),
      snippet: snippet(item),
      pageAge: textIn(item['age'], item['page_age']),
    }),
  )
}

function question(asked: SearchQuery): string {
  const whole = narrowed(asked.query, asked, LONGEST)
  return whole.split(/\s+/).length <= MOST_WORDS ? whole : asked.query
}

function snippet(item: Thing): string {
  const more = Array.isArray(item['extra_snippets']) ? item['extra_snippets'] : []
  const texts = [item['description'], ...more].flatMap((text) => textIn(text) ?? [])
  return texts.map(plainText).join('\n')
}

/** As headers, which take any place; the `country` parameter refuses most. */
function whereabouts({ country, region, city, timezone }: SearchQuery): Record<string, string> {
  const known = {
    'x-loc-country': country,
    'x-loc-state-name': region,
    'x-loc-city': city,
    'x-loc-timezone': timezone,
  }
  const isPlain = ([, value]: [string, string | undefined]) =>
    value !== undefined && /^[\x20-\x7e]+$/.test(value)
  return Object.fromEntries(Object.entries(known).filter(isPlain)) as Record<string, string>
}
