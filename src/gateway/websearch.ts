/**
 * Web search as Anthropic does it, for upstreams that cannot: a wrapper around dispatch. The tool becomes an ordinary
 * one; when the model calls it an engine searches, and the turn goes on with another call upstream. A conversation that
 * holds earlier searches is put back into the words in which the model had it.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool
 */
import { GatewayError } from '../errors.ts'
import type { Call, WireUsage } from '../protocol/messages.ts'
import type { Metrics } from '../protocol/metrics.ts'
import type { Reply } from '../providers/provider.ts'
import type { Log } from '../runtime.ts'
import { roomIn } from './websearch/continuation.ts'
import { hasSearches } from './websearch/history.ts'
import { prepare } from './websearch/prepare.ts'
import { type Chosen, searches } from './websearch/run.ts'
import { searchToolOf } from './websearch/tool.ts'
import { searchTurn } from './websearch/turn.ts'

export type { Chosen }

export interface WebSearchLent {
  /** For an engine that was not chosen with a way out of its own. */
  fetch: typeof fetch
  log: Log
  metrics: Metrics
  /** Seals what goes out; every replica has the same ones. */
  secretKeys: readonly string[]
  /** The engine that this principal's searches go to; undefined where web search is switched off. */
  engine(): Promise<Chosen | undefined>
  /** The upstream searches by itself: it is only kept from what this gateway has sealed. */
  native?: boolean
  /** Told of what a turn of several calls has cost so far: an answer that breaks off half-way does not say. */
  spent?(usage: WireUsage): void
}

/**
 * Sends a call that has to do with web search; any other one goes to `send` as it is.
 * @throws GatewayError invalid_request_error for a tool that Anthropic would refuse; policy_blocked where search is
 *   switched off; whatever the first call upstream throws.
 */
export async function withWebSearch<Got extends Reply>(
  call: Call,
  send: (call: Call) => Promise<Got>,
  lent: WebSearchLent,
): Promise<Got> {
  const { native = false, secretKeys } = lent
  const tool = native ? undefined : searchToolOf(call)
  if (!tool && !hasSearches(call, native)) return send(call)
  const chosen = tool && (await lent.engine())
  if (tool && !chosen) throw switchedOff()
  const controller = new AbortController()
  const stop = () => controller.abort()
  const leave = whenLeft(call, stop)
  const { signal } = controller
  const searching = tool && chosen && searches(tool, chosen, { ...lent, id: call.id, signal })
  const prepared = await prepare(call, tool, { secretKeys, native, run: searching?.run })
  const reply = await send(prepared.call).catch((error: unknown) => {
    leave()
    throw error
  })
  // A stream's reader says itself when nobody reads it any more.
  if (call.stream) leave()
  if (!searching && prepared.places.every((place) => place === 'theirs')) return reply
  const events = searchTurn(reply.events, {
    ...prepared,
    room: roomIn(call),
    searches: searching,
    send: (next) => send({ ...next, signal }),
    spent: (usage) => lent.spent?.(usage),
    stop,
  })
  return { ...reply, events }
}

/** A call as an upstream can take it that only counts its tokens. */
export async function withoutServerSearch(
  call: Call,
  { secretKeys, native = false }: Pick<WebSearchLent, 'secretKeys' | 'native'>,
): Promise<Call> {
  const tool = native ? undefined : searchToolOf(call)
  if (!tool && !hasSearches(call, native)) return call
  return (await prepare(call, tool, { secretKeys, native })).call
}

/** Calls `stop` when the client goes; what it gives back ends that. */
function whenLeft({ signal }: Call, stop: () => void): () => void {
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return () => signal.removeEventListener('abort', stop)
}

function switchedOff(): GatewayError {
  return new GatewayError(
    'policy_blocked',
    'Web search is switched off on this gateway. Ask whoever runs it to choose a search engine, or take the tool out: ' +
      'in Claude Code with {"permissions": {"deny": ["WebSearch"]}} in its settings.',
  )
}
