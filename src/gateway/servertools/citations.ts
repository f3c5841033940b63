/**
 * Citations, between the two ways of counting. To the model every search result of the request is one in a row, ours
 * and the client's own; to the client ours are pages of the web, and only its own are counted.
 * https://docs.claude.com/en/docs/build-with-claude/search-results
 */
import type { Sealer } from '../../protocol/sealed.ts'
import type { SearchResult } from '../../search/engine.ts'
import type { Outcome } from './outcome.ts'
import { textsOf } from './searched.ts'

/** A search result of the request: a page that a search found, or `theirs`, one the client brought. */
export type Place = 'theirs' | { search: string; number: number; result: SearchResult }

/** The places of an outcome, in its order. `search` is the client's id of the search. */
export function placesOf(search: string, outcome: Outcome): Place[] {
  return outcome.results.map((result, number) => ({ search, number, result }))
}

export type Citation = Readonly<Record<string, unknown>>

/** What `encrypted_index` holds: which search, its result's number, the first text cited and the one after the last. */
type Index = [search: string, number: number, start: number, end: number]

/** As Anthropic cuts it. */
const LONGEST_CITED = 150

/** A citation of the model's, as the client knows it. */
export async function forClient(
  citation: Citation,
  places: readonly Place[],
  sealer: Sealer,
): Promise<Citation> {
  if (citation['type'] !== 'search_result_location') return citation
  const { source, search_result_index: index, start_block_index: start, end_block_index: end } = citation
  const place = placeAt(places, index, source)
  if (place === undefined) return citation
  if (place === 'theirs') return { ...citation, search_result_index: rank(places, Number(index)) }
  const { search, number, result } = place
  const location: Index = [search, number, Number(start), Number(end)]
  return {
    type: 'web_search_result_location',
    cited_text: shortened(String(citation['cited_text'] ?? '')),
    url: result.url,
    title: result.title,
    encrypted_index: await sealer.seal(JSON.stringify(location), result.url),
  }
}

/** By its number; should that be another page, by its address. */
function placeAt(places: readonly Place[], index: unknown, source: unknown): Place | undefined {
  const place = places[Number(index)]
  if (place === 'theirs' || place?.result.url === source) return place
  return places.find((each) => each !== 'theirs' && each.result.url === source)
}

/** How many of the client's own come before this one. */
function rank(places: readonly Place[], index: number): number {
  return places.slice(0, index).filter((place) => place === 'theirs').length
}

function shortened(text: string): string {
  if (text.length <= LONGEST_CITED) return text
  return `${text.slice(0, LONGEST_CITED - 3).replace(/[\ud800-\udbff]$/, '')}...`
}

/** A citation that the client sends back, as the model made it; undefined for one that leads nowhere any more. */
export async function forModel(
  citation: Citation,
  places: readonly Place[],
  sealer: Sealer,
): Promise<Citation | undefined> {
  if (citation['type'] === 'search_result_location') {
    const index = nth(places, Number(citation['search_result_index']))
    const isSame = index < 0 || index === citation['search_result_index']
    return isSame ? citation : { ...citation, search_result_index: index }
  }
  if (citation['type'] !== 'web_search_result_location') return citation
  const { url, encrypted_index: sealed } = citation
  const opened = await sealer.open(String(sealed), String(url))
  if (opened === undefined) return undefined
  const [search, number, start, end] = JSON.parse(opened) as Index
  const index = places.findIndex(
    (place) => place !== 'theirs' && place.search === search && place.number === number,
  )
  const place = places[index]
  if (place === undefined || place === 'theirs' || place.result.url !== url) return undefined
  const texts = textsOf(place.result)
  if (!(start >= 0 && start <= end && end <= texts.length)) return undefined
  return {
    type: 'search_result_location',
    cited_text: texts.slice(start, Math.max(end, start + 1)).join(''),
    source: url,
    title: place.result.title,
    search_result_index: index,
    start_block_index: start,
    end_block_index: end,
  }
}

/** Where the client's n-th own search result is among all of them. */
function nth(places: readonly Place[], n: number): number {
  let seen = -1
  return places.findIndex((place) => place === 'theirs' && ++seen === n)
}
