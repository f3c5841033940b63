/** Tavily. https://docs.tavily.com/documentation/api-reference/endpoint/search */
import { askJson, result, resultsIn, textIn, thing } from './ask.ts'
import type { Engine, Lent, SearchQuery, SearchResult, Settings } from './engine.ts'

export const tavily = {
  kind: 'tavily',
  label: 'Tavily',
  fields: [{ name: 'apiKey', label: 'API key', required: true, secret: true, hint: 'tvly-…' }],
  longestQuery: 400,
  search,
} satisfies Engine

async function search(asked: SearchQuery, settings: Settings, lent: Lent): Promise<SearchResult[]> {
  const country = COUNTRIES[asked.country ?? '']
  const body = {
    query: asked.query,
    search_depth: 'basic',
    max_results: Math.min(asked.count, 20),
    ...(asked.allowedDomains.length > 0 ? { include_domains: asked.allowedDomains.map(host) } : {}),
    ...(asked.blockedDomains.length > 0 ? { exclude_domains: whole(asked.blockedDomains) } : {}),
    ...(country ? { topic: 'general', country } : {}),
  }
  const headers = {
    authorization: `Bearer ${settings['apiKey'] ?? ''}`,
    'content-type': 'application/json',
    accept: 'application/json',
  }
  const request = {
    url: 'https://api.tavily.com/search',
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  } as const
  const answer = thing(await askJson(request, lent))
  return resultsIn(answer['results'], (item) =>
    result({
      url: textIn(item['url']),
      title: textIn(item['title']),
      snippet: textIn(item['content']),
      pageAge: textIn(item['published_date']),
    }),
  )
}

function host(domain: string): string {
  return domain.split('/')[0] ?? domain
}

/** To leave a whole host out because one of its paths is blocked would be too much. */
function whole(domains: readonly string[]): string[] {
  return domains.filter((domain) => !/\/[^*]/.test(domain)).map(host)
}

/** Tavily knows countries by their English names, and refuses the whole question for one that it does not know. */
const COUNTRIES: Readonly<Record<string, string>> = {
  AR: 'argentina',
  AT: 'austria',
  AU: 'australia',
  BE: 'belgium',
  BR: 'brazil',
  CA: 'canada',
  CH: 'switzerland',
  CN: 'china',
  DE: 'germany',
  DK: 'denmark',
  ES: 'spain',
  FI: 'finland',
  FR: 'france',
  GB: 'united kingdom',
  IE: 'ireland',
  IL: 'israel',
  IN: 'india',
  IT: 'italy',
  JP: 'japan',
  KR: 'south korea',
  MX: 'mexico',
  NL: 'netherlands',
  NO: 'norway',
  NZ: 'new zealand',
  PL: 'poland',
  PT: 'portugal',
  SE: 'sweden',
  SG: 'singapore',
  US: 'united states',
  ZA: 'south africa',
}
