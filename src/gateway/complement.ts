/** What an upstream lacks and the gateway does instead: URLs are followed, server tools are run. */
import { isBedrock, type Wire } from '../protocol/fields/target.ts'
import type { Call } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'
import type { Entry } from './account.ts'
import { attach } from './attach.ts'
import type { Principal } from './authenticate.ts'
import { dispatch, type Taken } from './dispatch.ts'
import { engineFor } from './engines.ts'
import type { Choice, Routes } from './routing/choice.ts'
import type { ToolName } from './servertools/outcome.ts'
import { withoutServerTools, withServerTools } from './servertools.ts'

/**
 * Dispatch, with the server tools a call carries: the steps of one turn stay with the route that took the first.
 * @throws GatewayError as `dispatch` and `withServerTools` do.
 */
export function dispatchWithTools(
  runtime: Runtime,
  principal: Principal,
  choice: Choice,
  call: Call,
  entry: Entry,
): Promise<Taken> {
  const { fetch, log, metrics, config, egress, now } = runtime
  let order = choice
  const send = async (step: Call) => {
    const taken = await dispatch(runtime, order, step, entry)
    order = { ...order, routes: [taken.route, ...order.routes.filter((route) => route !== taken.route)] }
    return taken
  }
  return withServerTools(call, send, {
    fetch,
    log,
    metrics,
    secretKeys: config.secretKeys,
    engine: () => engineFor(runtime, principal),
    pages: config.webFetch ? { egress, now, bodyBytes: config.limits.bodyBytes } : undefined,
    native: nativeTo(choice.routes),
    spent: entry.spent,
  })
}

/** What a call has by URL, in its own bytes: for upstreams that follow none. */
export async function attached(runtime: Runtime, routes: Routes, call: Call): Promise<Call> {
  return followsUrls(routes) ? call : attach(call, { egress: runtime.egress, limits: runtime.config.limits })
}

/** A call as an upstream that only counts its tokens can take it. */
export function countable({ config }: Runtime, routes: Routes, call: Call): Promise<Call> {
  return withoutServerTools(call, { secretKeys: config.secretKeys, native: nativeTo(routes) })
}

const NATIVE: Readonly<Record<Wire, readonly ToolName[]>> = {
  invoke: [],
  'runtime-messages': [],
  mantle: [],
  'claude-platform': ['web_search', 'web_fetch'],
  anthropic: ['web_search', 'web_fetch'],
  vertex: ['web_search'],
}

/** Anthropic's own tools, where the upstream has them. */
function nativeTo([{ upstream }]: Routes): readonly ToolName[] {
  return NATIVE[upstream.wire]
}

function followsUrls([{ upstream }]: Routes): boolean {
  return !isBedrock(upstream.wire)
}
