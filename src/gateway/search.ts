/** Dispatch, with web search where a call carries it: the steps of one turn stay with the route that took the first. */
import { isBedrock } from '../protocol/fields/target.ts'
import type { Call } from '../protocol/messages.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Entry } from './account.ts'
import { attach } from './attach.ts'
import type { Principal } from './authenticate.ts'
import { dispatch, type Taken } from './dispatch.ts'
import { engineFor } from './engines.ts'
import { withoutServerSearch, withWebSearch } from './websearch.ts'

type Routes = readonly [Route, ...Route[]]

/** @throws GatewayError as `dispatch` and `withWebSearch` do. */
export function search(
  runtime: Runtime,
  principal: Principal,
  routes: Routes,
  call: Call,
  entry: Entry,
): Promise<Taken> {
  const { fetch, log, metrics, config } = runtime
  let order = routes
  const send = async (step: Call) => {
    const taken = await dispatch(runtime, order, step, entry.sent)
    order = [taken.route, ...order.filter((route) => route !== taken.route)]
    return taken
  }
  return withWebSearch(call, send, {
    fetch,
    log,
    metrics,
    secretKeys: config.secretKeys,
    engine: () => engineFor(runtime, principal),
    native: searchesItself(routes),
    spent: entry.spent,
  })
}

/** What a call has by URL, in its own bytes: for upstreams that follow none. */
export async function attached(runtime: Runtime, routes: Routes, call: Call): Promise<Call> {
  return followsUrls(routes) ? call : attach(call, { egress: runtime.egress, limits: runtime.config.limits })
}

/** A call as an upstream that only counts its tokens can take it. */
export function countable({ config }: Runtime, routes: Routes, call: Call): Promise<Call> {
  return withoutServerSearch(call, { secretKeys: config.secretKeys, native: searchesItself(routes) })
}

/** Anthropic's own search, where the upstream has it. */
function searchesItself([{ upstream }]: Routes): boolean {
  return !isBedrock(upstream.wire)
}

function followsUrls([{ upstream }]: Routes): boolean {
  return !isBedrock(upstream.wire)
}
