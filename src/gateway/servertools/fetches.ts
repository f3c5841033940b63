/** Pages of one request: fetched within what its tool allows, counted, and never a reason for the answer to break. */
import { EgressError, type EgressLent, type Incoming, type Outgoing } from '../../egress.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Metrics } from '../../protocol/metrics.ts'
import { textOfTokens } from '../../protocol/tokens.ts'
import type { Log } from '../../runtime.ts'
import { FETCH_LIMITS, type FetchedPage, fetchPage } from '../webfetch.ts'
import { covered } from './domains.ts'
import { type FetchFailure, failedFetch, fetched, type Page } from './fetched.ts'
import type { FetchTool, FetchWish } from './fetchtool.ts'
import { addressesIn } from './known.ts'
import { legible } from './legible.ts'
import { urlKey } from './links.ts'
import type { Runner } from './outcome.ts'

export interface PagesLent {
  egress: EgressLent
  now(): number
  /** A request may be no longer than this, with all that was fetched. */
  bodyBytes: number
}

interface Lent extends PagesLent {
  log: Log
  metrics: Metrics
  /** Aborts when nobody waits any more. */
  signal: AbortSignal
}

/** However many uses are allowed: each page costs tokens in every step that follows. */
const MOST_USES = 30
/** Of a request: for what the model says in between. */
const SPARE = 500_000
const LONGEST_TITLE = 300

/** `call` is the one that the client sent. */
export function fetches(tool: FetchTool, call: Call, lent: Lent): Runner {
  let used = 0
  let answered = 0
  let room = lent.bodyBytes - call.body.length - SPARE
  let addresses: Set<string> | undefined

  function isKnown(key: string): boolean {
    addresses ??= addressesIn(call, tool.sources)
    return addresses.has(key)
  }

  async function attempt(input: string): Promise<Page | FetchFailure> {
    const said = urlIn(input)
    if (said === undefined) return 'invalid_tool_input'
    if (said.length > FETCH_LIMITS.urlLength) return 'url_too_long'
    const key = urlKey(said)
    if (key === undefined) return 'invalid_tool_input'
    if (used >= Math.min(tool.maxUses ?? MOST_USES, MOST_USES)) return 'max_uses_exceeded'
    used++
    const url = new URL(said)
    url.hash = ''
    if (!isAllowed(url.href, tool)) return 'url_not_allowed'
    if (!isKnown(key)) return 'url_not_in_prior_context'
    const found = await fetchWithin(url.href, tool, lent)
    if (typeof found === 'string') return found
    const page = pageOf(found, tool)
    const size = encoder.encode(page.source.data).length
    if (size > room) return 'content_too_large'
    room -= size
    return page
  }

  return {
    answered: () => answered,
    hear(from, outcome) {
      if (!tool.sources.server(from)) return
      addresses ??= addressesIn(call, tool.sources)
      for (const key of outcome.links()) addresses.add(key)
    },
    async run(input) {
      const got = await attempt(input).catch(() => 'unavailable' as const)
      const code = typeof got === 'string' ? got : 'answered'
      lent.metrics.count('outcrop_web_fetches_total', { outcome: code })
      if (code === 'unavailable') lent.log('warn', 'web fetch failed', { id: call.id, error: code })
      if (typeof got === 'string') return failedFetch(got)
      answered++
      return fetched(got)
    },
  }
}

const encoder = new TextEncoder()

function urlIn(input: string): string | undefined {
  const { url } = JSON.parse(input) as { url?: unknown }
  return typeof url === 'string' && url.trim() !== '' ? url.trim() : undefined
}

function isAllowed(url: string, { allowedDomains, blockedDomains }: FetchWish): boolean {
  return (allowedDomains.length === 0 || covered(url, allowedDomains)) && !covered(url, blockedDomains)
}

/** A redirect leads no further than the tool allows: nothing is asked of a domain that it may not fetch from. */
async function fetchWithin(url: string, tool: FetchWish, lent: Lent): Promise<FetchedPage | FetchFailure> {
  let hasStrayed = false
  const judge = (to: URL) => {
    if (isAllowed(to.href, tool)) return
    hasStrayed = true
    throw new EgressError('refused', 'The URL redirects to a domain that is not allowed.')
  }
  const page = await fetchPage(url, { ...lent, egress: judged(lent.egress, judge) })
  return hasStrayed ? 'url_not_allowed' : page
}

function judged(egress: EgressLent, judge: (url: URL) => void): EgressLent {
  const judging =
    <Request extends Outgoing>(send: (request: Request) => Promise<Incoming>) =>
    async (request: Request) => {
      judge(request.url)
      return send(request)
    }
  return egress.pins ? { ...egress, send: judging(egress.send) } : { ...egress, send: judging(egress.send) }
}

function pageOf({ url, title, source, retrievedAt }: FetchedPage, tool: FetchWish): Page {
  const name = legible(title ?? '', LONGEST_TITLE)
  const page = { url, title: name === '' ? undefined : name, retrievedAt, cited: tool.cited }
  if (source.type === 'base64') return { ...page, source }
  const tokens = tool.maxContentTokens
  const text = tokens === undefined ? source.data : textOfTokens(source.data, tokens)
  return { ...page, source: { ...source, data: legible(text) } }
}
