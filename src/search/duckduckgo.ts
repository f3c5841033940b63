/**
 * DuckDuckGo's page for browsers without scripts: free, without a key, and without a promise. It is read tag by tag;
 * a page that asks whether one is human counts as a refusal. https://html.duckduckgo.com/html/
 */
import { ask, narrowed, plainText } from './ask.ts'
import {
  type Engine,
  type Lent,
  SearchError,
  type SearchQuery,
  type SearchResult,
  type Settings,
} from './engine.ts'

const LONGEST = 500

export const duckduckgo = {
  kind: 'duckduckgo',
  label: 'DuckDuckGo',
  fields: [],
  longestQuery: LONGEST,
  search,
} satisfies Engine

/** Its regions, by country; any other country gets the whole world. */
const REGIONS: Readonly<Record<string, string>> = {
  AR: 'ar-es',
  AT: 'at-de',
  AU: 'au-en',
  BE: 'be-nl',
  BR: 'br-pt',
  CA: 'ca-en',
  CH: 'ch-de',
  DE: 'de-de',
  DK: 'dk-da',
  ES: 'es-es',
  FI: 'fi-fi',
  FR: 'fr-fr',
  GB: 'uk-en',
  IE: 'ie-en',
  IN: 'in-en',
  IT: 'it-it',
  JP: 'jp-jp',
  KR: 'kr-kr',
  MX: 'mx-es',
  NL: 'nl-nl',
  NO: 'no-no',
  NZ: 'nz-en',
  PL: 'pl-pl',
  PT: 'pt-pt',
  SE: 'se-sv',
  SG: 'sg-en',
  US: 'us-en',
  ZA: 'za-en',
}
const EVERYWHERE = 'wt-wt'
/** It serves browsers only. */
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

async function search(asked: SearchQuery, _settings: Settings, lent: Lent): Promise<SearchResult[]> {
  const form = new URLSearchParams({
    q: narrowed(asked.query, asked, LONGEST),
    kl: REGIONS[asked.country ?? ''] ?? EVERYWHERE,
  })
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'text/html',
    'user-agent': BROWSER,
    referer: 'https://html.duckduckgo.com/',
  }
  const request = {
    url: 'https://html.duckduckgo.com/html/',
    method: 'POST',
    headers,
    body: form.toString(),
  } as const
  const { status, text } = await ask(request, lent)
  // It answers 202 with a puzzle instead of 429.
  if (status !== 200 || text.includes('anomaly-modal') || text.includes('anomaly.js')) {
    throw new SearchError('too_many_requests', 'DuckDuckGo asks whether this is a human')
  }
  const results = resultsOf(text)
  if (results.length === 0 && !isEmptyPage(text)) {
    throw new SearchError('unavailable', 'the page of DuckDuckGo has changed')
  }
  return results.slice(0, asked.count)
}

/** A page of results with none on it still says what it is. */
function isEmptyPage(html: string): boolean {
  return html.includes('no-results') || html.includes('id="links"') || html.includes('class="result ')
}

const LINK = /<a\b([^<>]*)>/g

function resultsOf(html: string): SearchResult[] {
  const results: SearchResult[] = []
  let open: SearchResult | undefined
  for (const { 0: tag, 1: attributes = '', index } of html.matchAll(LINK)) {
    const said = () => plainText(linkText(html, index + tag.length))
    if (/\bresult__a\b/.test(attributes)) {
      const url = target(attributes)
      open = url === undefined ? undefined : { url, title: said(), snippet: '' }
      if (open) results.push(open)
    } else if (open && /\bresult__snippet\b/.test(attributes)) {
      open.snippet = said()
      open = undefined
    }
  }
  return results
}

/** As much of it as a title or a snippet can be. */
const LONGEST_TEXT = 5_000

function linkText(html: string, from: number): string {
  return html.slice(from, from + LONGEST_TEXT).split('</a>', 1)[0] ?? ''
}

/** Where a link leads, through the redirect that counts clicks; undefined for an advertisement. */
function target(attributes: string): string | undefined {
  const [, href = ''] = /\bhref="([^"]*)"/.exec(attributes) ?? []
  const address = plainText(href)
  const url = URL.canParse(address, 'https://duckduckgo.com') && new URL(address, 'https://duckduckgo.com')
  if (!url) return undefined
  if (!/(^|\.)duckduckgo\.com$/.test(url.hostname)) return url.href
  return url.pathname === '/l/' ? (url.searchParams.get('uddg') ?? undefined) : undefined
}
