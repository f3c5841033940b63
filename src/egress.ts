/**
 * The guarded fetch: the one way to a URL that an admin or a request has set. A URL is judged as it will be used, every
 * address its name leads to is judged, and the connection goes to those addresses and no others, so that a name which
 * leads elsewhere a moment later gains nothing. https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
 */
import { GatewayError } from './errors.ts'
import { parseAddress, type Reach, reachOf } from './protocol/addresses.ts'
import type { Bytes } from './protocol/bytes.ts'
import { readCapped } from './protocol/capped.ts'
import { within } from './protocol/deadline.ts'
import type { Halting } from './protocol/halt.ts'
import type { Send } from './protocol/send.ts'
import { hostOf, isTrusted, mediaTypeOf, type Privileges, readUrl, refusalOf } from './protocol/urls.ts'

/** What a runtime lends for it. */
export type EgressLent = PinnedEgress | UnpinnedEgress

interface EgressSetting {
  /** Loopback may be reached, also over plain http: for development and tests. */
  loopback: boolean
}

export interface PinnedEgress extends EgressSetting {
  pins: true
  /** Every address of a name. Rejects where it has none. */
  resolve(name: string, signal: AbortSignal): Promise<readonly string[]>
  /** Sends once, to one of `addresses` and nowhere else, under the name in `url`. */
  send(request: Outgoing & { addresses: readonly string[] }): Promise<Incoming>
}

/** A runtime that resolves names itself and says nothing of it: there, names are judged by their form only. */
export interface UnpinnedEgress extends EgressSetting {
  pins: false
  send(request: Outgoing): Promise<Incoming>
}

export interface Outgoing {
  url: URL
  method: 'GET' | 'POST'
  headers: Headers
  body: Bytes | string | undefined
  /** Ends everything, whatever state it is in. */
  signal: AbortSignal
}

/** An answer as it came: no redirect followed, nothing decompressed by a runtime that pins. */
export interface Incoming {
  status: number
  headers: Headers
  body: ReadableStream<Uint8Array> | null
}

export interface EgressWish {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: Bytes | string
  signal?: Halting
  /** For everything together, in milliseconds. */
  timeout: number
  /** Of the body, decompressed. */
  maxBytes: number
  /** How many redirects of a GET to follow. None unless said. */
  redirects?: number
  /** Origins that whoever runs the gateway vouches for, on a private network perhaps. Never for a request's URL. */
  trusted?: readonly string[]
}

export interface EgressAnswer {
  /** Where it came from in the end. */
  url: string
  status: number
  headers: Headers
  /** Of `content-type`, in lower case; empty where it says nothing. */
  mediaType: string
  body: Bytes
}

/** `refused` is a judgement, `invalid` not even a URL to judge; the others are what happens on a network. */
export type EgressReason = 'invalid' | 'refused' | 'redirected' | 'unreachable' | 'timeout' | 'too_large'

/** Its sentence never says what a name led to: it must not serve to explore the network the gateway runs in. */
export class EgressError extends GatewayError {
  readonly reason: EgressReason

  constructor(reason: EgressReason, message: string, cause?: unknown) {
    super('invalid_request_error', message, { cause })
    this.name = 'EgressError'
    this.reason = reason
  }
}

const USER_AGENT = 'Outcrop'
const MAX_URL = 8192

/** What a caller cannot set: connection matters, and what would name or follow a user. */
const OURS =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-length|cookie2?|user-agent|accept-encoding|proxy-.*)$/i

/** @throws EgressError for everything but an answer, of whatever status. */
export async function egress(url: string, wish: EgressWish, lent: EgressLent): Promise<EgressAnswer> {
  const { timeout, signal, headers = {}, redirects = 0, trusted = [] } = wish
  const deadline = {
    timeout,
    signal,
    late: () => new EgressError('timeout', `The URL took longer than ${timeout} ms.`),
    left: () => new EgressError('unreachable', 'The URL was given up: nobody waits for it any more.'),
  }
  const privileges = { loopback: lent.loopback, trusted }
  const first = { url: parseUrl(url), headers: headersOf(headers), privileges }
  return within(deadline, (until) => follow(first, redirects, { wish, lent, signal: until }))
}

/** One request, and what our settings open to it. */
interface Hop {
  url: URL
  headers: Headers
  privileges: Privileges
}

async function follow(
  hop: Hop,
  redirects: number,
  the: { wish: EgressWish; lent: EgressLent; signal: AbortSignal },
): Promise<EgressAnswer> {
  const { wish, lent, signal } = the
  const { addresses, reach } = await destination(hop, lent, signal)
  const { method = 'GET', body } = wish
  const outgoing = { url: hop.url, method, headers: hop.headers, body, signal }
  const incoming = await reached(lent.pins ? lent.send({ ...outgoing, addresses }) : lent.send(outgoing))
  const url = redirect(incoming, hop.url)
  if (!url) return collect(incoming, hop.url, wish.maxBytes, lent.pins)
  if (redirects <= 0 || method !== 'GET') {
    throw new EgressError('redirected', 'The URL redirects to another one, which is not followed.')
  }
  await incoming.body?.cancel().catch(() => {})
  const headers =
    url.origin === hop.url.origin ? hop.headers : headersOf({ accept: hop.headers.get('accept') ?? '*/*' })
  // Where the public sends us, nothing is open that only our own settings open.
  const privileges = reach === 'public' ? NONE : hop.privileges
  return follow({ url, headers, privileges }, redirects - 1, the)
}

/** The same as a `fetch`, for code that is written to be handed one. */
export function egressFetch(lent: EgressLent, bounds: EgressWish): Send {
  return async (url, { redirect: _, ...init }) => {
    const answer = await egress(url, { ...bounds, ...init }, lent)
    const hasBody = ![204, 205, 304].includes(answer.status)
    const status = answer.status >= 200 && answer.status <= 599 ? answer.status : 502
    return new Response(hasBody ? answer.body : null, { status, headers: answer.headers })
  }
}

const NONE: Privileges = { loopback: false, trusted: [] }

function parseUrl(text: string): URL {
  const url = text.length <= MAX_URL ? readUrl(text) : undefined
  if (!url) throw new EgressError('invalid', 'This is not a URL that can be fetched.')
  return url
}

/** Where a URL leads, if it may be gone to. */
async function destination({ url, privileges }: Hop, lent: EgressLent, signal: AbortSignal) {
  const { addresses, reaches } = await whereTo(url, privileges, lent, signal)
  const refusal = refusalOf(url, reaches, privileges)
  if (refusal !== undefined) throw new EgressError('refused', refusal)
  return { addresses, reach: reaches.find((each) => each !== 'public') ?? 'public' }
}

/** None where the runtime does not pin. */
interface Leads {
  addresses: readonly string[]
  reaches: readonly Reach[]
}

const NOWHERE: Leads = { addresses: [], reaches: [] }

async function whereTo(
  url: URL,
  privileges: Privileges,
  lent: EgressLent,
  signal: AbortSignal,
): Promise<Leads> {
  const host = hostOf(url)
  if (host.kind === 'address') return { addresses: [host.address], reaches: [reachOf(host.bytes)] }
  if (host.kind === 'localhost') return { addresses: ['127.0.0.1', '::1'], reaches: ['loopback'] }
  if (host.isLocal && !isTrusted(url, privileges)) return NOWHERE // not asked for: asking tells as well
  if (!lent.pins) return { addresses: [], reaches: ['public'] }
  // A name that leads nowhere is answered as one that leads inside: which names are known inside is not told.
  const addresses = await lent.resolve(host.name, signal).catch(() => [])
  return { addresses, reaches: addresses.map(reachOfText) }
}

/** What cannot be read cannot be judged. */
function reachOfText(text: string): Reach {
  const bytes = parseAddress(text)
  return bytes ? reachOf(bytes) : 'never'
}

/** What goes wrong on the way is the runtime's to know: its messages name addresses. */
async function reached<T>(step: Promise<T>): Promise<T> {
  return await step.catch((cause: unknown) => {
    if (cause instanceof EgressError) throw cause
    throw new EgressError('unreachable', 'The URL could not be reached.', cause)
  })
}

function headersOf(said: Record<string, string>): Headers {
  const headers = new Headers({ accept: '*/*' })
  for (const [name, value] of Object.entries(said)) if (!OURS.test(name)) headers.set(name, value)
  headers.set('user-agent', USER_AGENT)
  headers.set('accept-encoding', 'identity') // a small answer stays small
  return headers
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** The URL that an answer sends us to. */
function redirect({ status, headers }: Incoming, from: URL): URL | undefined {
  const location = REDIRECTS.has(status) ? headers.get('location') : null
  if (location === null) return undefined
  return parseUrl(URL.canParse(location, from) ? new URL(location, from).href : '')
}

async function collect(incoming: Incoming, at: URL, maxBytes: number, isRaw: boolean): Promise<EgressAnswer> {
  const headers = new Headers(incoming.headers)
  headers.delete('set-cookie')
  const encoding = headers.get('content-encoding') ?? ''
  if (isRaw && !/^(?:identity)?$/i.test(encoding.trim())) {
    throw new EgressError('unreachable', 'The URL answers compressed, though it was asked not to.')
  }
  const tooLarge = () => new EgressError('too_large', `The URL answers with more than ${maxBytes} bytes.`)
  if (Number(headers.get('content-length')) > maxBytes) throw tooLarge()
  return {
    url: at.href,
    status: incoming.status,
    headers,
    mediaType: mediaTypeOf(headers.get('content-type')),
    body: incoming.body ? await reached(readCapped(incoming.body, maxBytes, tooLarge)) : new Uint8Array(),
  }
}
