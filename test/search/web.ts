/** A web made by hand: it notes what it is asked, and answers what it is told to. */

import { sendBy } from '../../src/protocol/send.ts'
import type { SearchQuery, SearchResult, Settings } from '../../src/search/engine.ts'
import { engines } from '../../src/search/index.ts'

export interface Asked {
  url: URL
  method: string
  headers: Headers
  body: string
}

type Answer = { status?: number; json?: unknown; text?: string } | Error

export const QUERY: SearchQuery = {
  query: 'alpine marmots',
  count: 10,
  allowedDomains: [],
  blockedDomains: [],
}

/** Searches with the engine of that kind, in a web that answers so. */
export async function searchWith(
  kind: string,
  answer: Answer,
  { query = {}, settings = {} }: { query?: Partial<SearchQuery>; settings?: Settings } = {},
): Promise<{ results: SearchResult[]; asked: Asked }> {
  const requests: Asked[] = []
  const send = async (url: string, { method = 'GET', headers, body }: RequestInit = {}) => {
    requests.push({ url: new URL(url), method, headers: new Headers(headers), body: String(body ?? '') })
    if (answer instanceof Error) throw answer
    return new Response(answer.text ?? JSON.stringify(answer.json), { status: answer.status ?? 200 })
  }
  const { signal } = new AbortController()
  const results = await engines[kind]?.search({ ...QUERY, ...query }, settings, {
    fetch: sendBy(send),
    signal,
  })
  const [asked] = requests
  if (!results || !asked || requests.length > 1) throw new Error(`${kind}: ${requests.length} requests`)
  return { results, asked }
}
