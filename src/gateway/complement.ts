/** What an upstream lacks and the gateway does instead: URLs are followed, server tools are run. */
import { isBedrock, type Wire } from '../protocol/fields/target.ts'
import { type Call, NO_USAGE, type Usage, usageFrom, type WireUsage } from '../protocol/messages.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Entry } from './account.ts'
import { attach } from './attach.ts'
import type { Principal } from './authenticate.ts'
import { apart } from './charge.ts'
import { dispatch, type Taken } from './dispatch.ts'
import { engineFor } from './engines.ts'
import type { Choice, Routes } from './routing/choice.ts'
import type { Terms } from './routing/quest.ts'
import { serverToolsOf } from './servertools/kinds.ts'
import type { ToolName } from './servertools/outcome.ts'
import { hasUses } from './servertools/uses.ts'
import { withoutServerTools, withServerTools } from './servertools.ts'

/** Where a call may go, and what holds for it. */
export interface Way {
  choice: Choice
  terms: Terms
}

/**
 * Dispatch, with the server tools a call carries: the steps of one turn stay with the route that took the first.
 * @throws GatewayError as `dispatch` and `withServerTools` do.
 */
export async function dispatchWithTools(
  runtime: Runtime,
  principal: Principal,
  { choice, terms }: Way,
  call: Call,
  entry: Entry,
): Promise<Taken> {
  const { fetch, log, metrics, config, egress, now } = runtime
  const turn = stepsOf(runtime, { choice: alike(choice, call), terms }, entry)
  const reply = await withServerTools(call, turn.send, {
    fetch,
    log,
    metrics,
    secretKeys: config.secretKeys,
    engine: () => engineFor(runtime, principal),
    pages: config.webFetch ? { egress, now, bodyBytes: config.limits.bodyBytes } : undefined,
    native: nativeTo(choice.routes),
    spent: turn.spent,
  })
  if (turn.isWhole(reply)) return reply
  const { events, removed } = reply
  // Which one answers may only be known when it does.
  return {
    events,
    removed,
    over: turn.over,
    get route() {
      return turn.first(reply).route
    },
    get model() {
      return turn.first(reply).model
    },
  }
}

/** Those of a choice that have the same tools of Anthropic's own as the first, where a call has to do with them. */
function alike(choice: Choice, call: Call): Choice {
  const [first, ...others] = choice.routes
  const native = NATIVE[first.upstream.wire]
  const same = others.filter(({ upstream }) => NATIVE[upstream.wire].join() === native.join())
  if (same.length === others.length || !mayUseTools(call)) return choice
  return { ...choice, routes: [first, ...same] }
}

function mayUseTools(call: Call): boolean {
  const { search, fetch } = serverToolsOf(call, [])
  return search !== undefined || fetch !== undefined || hasUses(call, [])
}

/** The calls upstream of one turn, and what each came to. */
function stepsOf(runtime: Runtime, { choice, terms }: Way, entry: Entry) {
  const steps: Taken[] = []
  /** What had been spent when each step after the first began. */
  const marks: Usage[] = []
  let spent: WireUsage = {}
  let hasBroken = false

  async function send(step: Call): Promise<Taken> {
    const last = steps.at(-1)
    if (!last) return kept(await dispatch(runtime, choice, step, entry, terms))
    marks.push(usageFrom(spent))
    entry.step({ did: 'continued', at: runtime.now() - step.startedAt, upstream: last.route.upstream.id })
    const { instead: _, ...same } = terms // nobody could be told of another model any more
    const stays = { ...choice, routes: stayingWith(last.route, choice.routes) }
    return dispatch(runtime, stays, { ...step, model: last.model }, entry, same).then(
      kept,
      (error: unknown) => {
        hasBroken = true
        throw error
      },
    )
  }

  function kept(taken: Taken): Taken {
    steps.push(taken)
    return taken
  }

  return {
    send,
    spent(usage: WireUsage) {
      spent = usage
      entry.spent(usage)
    },
    isWhole: (reply: Taken) => reply === steps[0],
    first: (reply: Taken) => steps[0] ?? reply,
    over(ending: Parameters<Taken['over']>[0]) {
      const shares = apart(ending.usage, marks)
      for (const [index, step] of steps.entries()) {
        const isLast = index === steps.length - 1 && !hasBroken
        const usage = shares[index] ?? NO_USAGE
        step.over(
          isLast ? { ...ending, usage } : { status: 'succeeded', source: 'final', error: undefined, usage },
        )
      }
    },
  }
}

function stayingWith(first: Route, routes: Routes): Routes {
  return routes.includes(first) ? [first, ...routes.filter((route) => route !== first)] : [first]
}

/** What a call has by URL, in its own bytes: for upstreams that follow none. */
export async function attached(runtime: Runtime, routes: Routes, call: Call): Promise<Call> {
  return routes.every(followsUrls)
    ? call
    : attach(call, { egress: runtime.egress, limits: runtime.config.limits })
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

function followsUrls({ upstream }: Route): boolean {
  return !isBedrock(upstream.wire)
}
