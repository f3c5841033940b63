/** What every engine does: one request, one bounded answer, its failures in the words of the contract. */

import { readCapped } from '../protocol/capped.ts'
import type { Answer as Sent } from '../protocol/send.ts'
import { type Lent, SearchError, type SearchResult } from './engine.ts'

export interface Question {
  url: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

export interface Answer {
  status: number
  text: string
}

/** A page of results is some 100 kB. */
const LARGEST = 4_000_000

/**
 * The answer to a request, whatever its status below 300.
 * @throws SearchError too_many_requests for 429, unavailable for any other trouble.
 */
export async function ask(
  { url, method = 'GET', headers = {}, body }: Question,
  { fetch, signal }: Lent,
): Promise<Answer> {
  const init = { method, headers, signal, redirect: 'manual' } as const
  let response: Sent
  try {
    response = await fetch(url, body === undefined ? init : { ...init, body })
  } catch (cause) {
    throw new SearchError('unavailable', 'the engine could not be reached', { cause })
  }
  const { status } = response
  if (status >= 200 && status < 300) return { status, text: await textOf(response) }
  response.body?.cancel().catch(() => {})
  const code = status === 429 ? 'too_many_requests' : 'unavailable'
  throw new SearchError(code, `the engine answered ${status}`)
}

async function textOf({ body }: Sent): Promise<string> {
  if (!body) return ''
  const tooLarge = () => new SearchError('unavailable', 'the engine answered too much')
  try {
    return new TextDecoder().decode(await readCapped(body, LARGEST, tooLarge))
  } catch (cause) {
    body.cancel().catch(() => {})
    throw cause instanceof SearchError
      ? cause
      : new SearchError('unavailable', 'the connection to the engine broke', { cause })
  }
}

export type Thing = Readonly<Record<string, unknown>>

/** The answer to a request, read as JSON. */
export async function askJson(request: Question, lent: Lent): Promise<unknown> {
  const { text } = await ask(request, lent)
  try {
    return JSON.parse(text)
  } catch {
    throw new SearchError('unavailable', 'the engine answered something that is not JSON')
  }
}

/**
 * The results in a list that an engine answered, in its order; what is not a result is left out.
 * @throws SearchError unavailable where there is no list at all: that is no answer, not an empty one.
 */
export function resultsIn(list: unknown, read: (item: Thing) => Partial<SearchResult>): SearchResult[] {
  if (!Array.isArray(list)) throw new SearchError('unavailable', 'the engine answered no list of results')
  return list.map(thing).flatMap((item) => {
    const { url = '', title = '', snippet = '', pageAge } = read(item)
    if (url === '') return []
    return [{ url, title, snippet, ...(pageAge === undefined ? {} : { pageAge }) }]
  })
}

export function thing(value: unknown): Thing {
  return typeof value === 'object' && value !== null ? (value as Thing) : {}
}

/** The first of these that is a text with something in it. */
export function textIn(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value.trim() !== '')
}

/** The parts of a result that may be missing: `undefined` is left out, as the contract wants it. */
export function result(parts: { [Key in keyof SearchResult]?: string | undefined }): Partial<SearchResult> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))
}

/** A question narrowed to domains the way most engines understand it, if it is not too long then. */
export function narrowed(
  query: string,
  {
    allowedDomains,
    blockedDomains,
  }: { allowedDomains: readonly string[]; blockedDomains: readonly string[] },
  longest: number,
): string {
  const allowed = allowedDomains.map((domain) => `site:${plain(domain)}`).join(' OR ')
  const blocked = blockedDomains.map((domain) => `-site:${plain(domain)}`).join(' ')
  const wanted = allowed === '' ? blocked : allowedDomains.length === 1 ? allowed : `(${allowed})`
  const whole = `${query} ${wanted}`.trim()
  return whole.length <= longest ? whole : query
}

/** Engines know no wildcards in a path. */
function plain(domain: string): string {
  return (domain.split('*')[0] ?? '').replace(/\/+$/, '')
}

/** HTML's own way of writing characters, and its tags, taken out. */
export function plainText(html: string): string {
  return html
    .replaceAll(/<[^<>]*>/g, '')
    .replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,6});/gi, (whole, name: string) => entity(name) ?? whole)
    .replaceAll(/\s+/g, ' ')
    .trim()
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  middot: '·',
}

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()]
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}
