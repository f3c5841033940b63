/**
 * A web page as Anthropic's `web_fetch` tool gives it: fetched through the guard, as text or as a PDF, or the code of
 * what went wrong. https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-fetch-tool
 */
import { type EgressAnswer, EgressError, type EgressLent, type EgressReason, egress } from '../egress.ts'
import { toBase64 } from '../protocol/base64.ts'
import { readHtml } from '../protocol/html.ts'
import { mediaTypeOfBytes } from '../protocol/media.ts'

interface FetchLent {
  egress: EgressLent
  now(): number
  signal?: AbortSignal
}

export interface FetchLimits {
  /** Anthropic's own is 250. */
  urlLength: number
  bytes: number
  /** Of text; what is longer is cut. */
  characters: number
  timeout: number
  redirects: number
}

export const FETCH_LIMITS: FetchLimits = {
  urlLength: 250,
  bytes: 10_000_000,
  characters: 400_000,
  timeout: 20_000,
  redirects: 5,
}

/** Those of `WebFetchToolResultErrorCode` that fetching itself can end in. */
export type FetchErrorCode =
  | 'invalid_tool_input'
  | 'url_too_long'
  | 'url_not_accessible'
  | 'unsupported_content_type'
  | 'too_many_requests'
  | 'content_too_large'
  | 'unavailable'

export interface FetchedPage {
  /** Where it came from in the end. */
  url: string
  title: string | undefined
  /** As a document block takes it. */
  source:
    | { type: 'text'; media_type: 'text/plain'; data: string }
    | { type: 'base64'; media_type: 'application/pdf'; data: string }
  /** What the page was before it became text. */
  mediaType: string
  /** ISO 8601. */
  retrievedAt: string
}

const CODES: Record<EgressReason, FetchErrorCode> = {
  invalid: 'invalid_tool_input',
  refused: 'url_not_accessible',
  redirected: 'url_not_accessible',
  unreachable: 'url_not_accessible',
  timeout: 'url_not_accessible',
  too_large: 'content_too_large',
}

/** Never throws: the model is told what went wrong, and goes on. */
export async function fetchPage(
  url: string,
  lent: FetchLent,
  limits: FetchLimits = FETCH_LIMITS,
): Promise<FetchedPage | FetchErrorCode> {
  if (url.length > limits.urlLength) return 'url_too_long'
  try {
    const { timeout, redirects, bytes: maxBytes } = limits
    const wish = { timeout, redirects, maxBytes, headers: { accept: ACCEPT } }
    const answer = await egress(url, lent.signal ? { ...wish, signal: lent.signal } : wish, lent.egress)
    if (answer.status === 429) return 'too_many_requests'
    if (answer.status !== 200) return 'url_not_accessible'
    const page = pageOf(answer, limits.characters)
    return page ? { ...page, retrievedAt: new Date(lent.now()).toISOString() } : 'unsupported_content_type'
  } catch (error) {
    return error instanceof EgressError ? CODES[error.reason] : 'unavailable'
  }
}

const ACCEPT =
  'text/html, application/xhtml+xml, application/pdf, text/*;q=0.9, application/json;q=0.8, */*;q=0.1'

/** Reading goes at some 10 MB a second, and nothing else goes on meanwhile. */
const MAX_HTML = 3_000_000

const HTML = /^(?:text\/html|application\/xhtml\+xml)$/
const TEXT =
  /^(?:text\/.+|application\/(?:json|xml|javascript|ecmascript|yaml|toml|x-sh|.+\+(?:json|xml|yaml)))$/

function pageOf(answer: EgressAnswer, characters: number): Omit<FetchedPage, 'retrievedAt'> | undefined {
  const { url, body } = answer
  const mediaType = answer.mediaType === '' ? guess(body) : answer.mediaType
  if (mediaType === 'application/pdf') {
    if (mediaTypeOfBytes(body) !== mediaType) return undefined
    const data = toBase64(body)
    return { url, title: undefined, source: { type: 'base64', media_type: mediaType, data }, mediaType }
  }
  const isHtml = HTML.test(mediaType)
  if (!isHtml && !TEXT.test(mediaType)) return undefined
  const written = decode(answer)
  const { title, text } = isHtml
    ? readHtml(written.slice(0, MAX_HTML), url, characters)
    : { title: undefined, text: written }
  const data = text.slice(0, characters).replace(/[\ud800-\udbff]$/, '')
  return { url, title, source: { type: 'text', media_type: 'text/plain', data }, mediaType }
}

/** Of a page that does not say what it is. */
function guess(body: Uint8Array): string {
  if (mediaTypeOfBytes(body) === 'application/pdf') return 'application/pdf'
  if (mediaTypeOfBytes(body) || body.subarray(0, 4096).includes(0)) return 'application/octet-stream'
  return /<(?:!doctype html|html|head|body)\b/i.test(beginning(body)) ? 'text/html' : 'text/plain'
}

/** Enough for a `meta` that names the encoding, which is written in ASCII. */
function beginning(body: Uint8Array): string {
  return new TextDecoder('latin1').decode(body.subarray(0, 1024))
}

function decode({ headers, body }: EgressAnswer): string {
  const said = /charset\s*=\s*"?([\w.:-]+)/i
  const named = said.exec(headers.get('content-type') ?? '')?.[1] ?? said.exec(beginning(body))?.[1]
  try {
    return new TextDecoder(named ?? 'utf-8').decode(body)
  } catch {
    return new TextDecoder().decode(body) // an encoding that nobody knows
  }
}
