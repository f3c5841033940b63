/**
 * Web search and web fetch as Anthropic has them, for upstreams that have not: a wrapper around dispatch. The tools
 * become ordinary ones; when the model calls one the gateway searches or fetches, and the turn goes on with another
 * call upstream. A conversation that holds earlier uses is put back into the words in which the model had it.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/server-tools
 */

import { GatewayError } from '../errors.ts'
import type { Call, WireUsage } from '../protocol/messages.ts'
import type { Metrics } from '../protocol/metrics.ts'
import type { Send } from '../protocol/send.ts'
import type { Reply } from '../providers/provider.ts'
import type { Log } from '../runtime.ts'
import { roomIn } from './servertools/continuation.ts'
import { fetches, type PagesLent } from './servertools/fetches.ts'
import { type ServerTools, serverToolsOf } from './servertools/kinds.ts'
import type { Running, ToolName } from './servertools/outcome.ts'
import { prepare } from './servertools/prepare.ts'
import { type Chosen, searches } from './servertools/searches.ts'
import { toolTurn } from './servertools/turn.ts'
import { hasUses } from './servertools/uses.ts'

export type { Chosen }

export interface ServerToolsLent {
  /** For an engine that was not chosen with a way out of its own. */
  fetch: Send
  log: Log
  metrics: Metrics
  /** Seals what goes out; every replica has the same ones. */
  secretKeys: readonly string[]
  /** The engine that this principal's searches go to; undefined where web search is switched off. */
  engine(): Promise<Chosen | undefined>
  /** The guarded way to pages; undefined where web fetch is switched off. */
  pages: PagesLent | undefined
  /** What the upstream has itself: it is only kept from what this gateway has sealed. */
  native?: readonly ToolName[]
  /** Told of what a turn of several calls has cost so far: an answer that breaks off half-way does not say. */
  spent?(usage: WireUsage): void
}

/**
 * Sends a call that has to do with server tools; any other one goes to `send` as it is.
 * @throws GatewayError invalid_request_error for a tool that Anthropic would refuse; policy_blocked where one is
 *   switched off; whatever the first call upstream throws.
 */
export async function withServerTools<Got extends Reply>(
  call: Call,
  send: (call: Call) => Promise<Got>,
  lent: ServerToolsLent,
): Promise<Got> {
  const { native = [], secretKeys } = lent
  const tools = serverToolsOf(call, native)
  const isUsed = tools.search !== undefined || tools.fetch !== undefined
  if (!isUsed && !hasUses(call, native)) return send(call)
  const controller = new AbortController()
  const { signal } = controller
  const running = await runners(call, tools, lent, signal)
  const stop = () => controller.abort()
  const leave = whenLeft(call, stop)
  const prepared = await prepare(call, tools, { secretKeys, native, running })
  const reply = await send(prepared.call).catch((error: unknown) => {
    leave()
    throw error
  })
  // A stream's reader says itself when nobody reads it any more.
  if (call.stream) leave()
  if (!isUsed && prepared.places.every((place) => place === 'theirs')) return reply
  const events = toolTurn(reply.events, {
    ...prepared,
    room: roomIn(call),
    running,
    send: (next) => send({ ...next, signal }),
    spent: (usage) => lent.spent?.(usage),
    stop,
  })
  return { ...reply, events }
}

/** A call as an upstream can take it that only counts its tokens. */
export async function withoutServerTools(
  call: Call,
  { secretKeys, native = [] }: Pick<ServerToolsLent, 'secretKeys' | 'native'>,
): Promise<Call> {
  const tools = serverToolsOf(call, native)
  if (!tools.search && !tools.fetch && !hasUses(call, native)) return call
  return (await prepare(call, tools, { secretKeys, native, running: {} })).call
}

async function runners(
  call: Call,
  { search, fetch }: ServerTools,
  lent: ServerToolsLent,
  signal: AbortSignal,
): Promise<Running> {
  const { pages } = lent
  if (fetch && !pages) throw fetchIsOff()
  const chosen = search && (await lent.engine())
  if (search && !chosen) throw searchIsOff()
  return {
    ...(search && chosen ? { web_search: searches(search, chosen, { ...lent, id: call.id, signal }) } : {}),
    ...(fetch && pages ? { web_fetch: fetches(fetch, call, { ...lent, ...pages, signal }) } : {}),
  }
}

/** Calls `stop` when the client goes; what it gives back ends that. */
function whenLeft({ signal }: Call, stop: () => void): () => void {
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return () => signal.removeEventListener('abort', stop)
}

function searchIsOff(): GatewayError {
  return new GatewayError(
    'policy_blocked',
    'Web search is switched off on this gateway. Ask whoever runs it to choose a search engine, or take the tool out: ' +
      'in Claude Code with {"permissions": {"deny": ["WebSearch"]}} in its settings.',
  )
}

function fetchIsOff(): GatewayError {
  return new GatewayError(
    'policy_blocked',
    'Web fetch is switched off on this gateway, which would fetch pages from its own network. Ask whoever runs it to ' +
      'set WEB_FETCH=on, or take the tool web_fetch out of the request.',
  )
}
