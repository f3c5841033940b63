/** The books: a ledger row beside the upstream call, settled with its usage and cost however the call ends. */

import type { LedgerRow } from '../data/rows.ts'
import { asGatewayError, type GatewayError } from '../errors.ts'
import { parse } from '../protocol/json.ts'
import { type Call, type Usage, usageFrom, type WireUsage } from '../protocol/messages.ts'
import { generationOf } from '../protocol/models.ts'
import { estimateTokens, roughTokens } from '../protocol/tokens.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { type Charged, estimated, settled } from './charge.ts'
import type { Grant } from './grant.ts'
import type { Ending } from './meter.ts'
import type { Prices } from './prices/book.ts'
import { tellUnpriced } from './prices/unpriced.ts'
import { ranBy } from './prices.ts'
import type { Witness } from './routing/quest.ts'
import { beginTrail } from './routing/trail.ts'

/** A request that has just left opens the row, if it is the first; nobody waits for the database. */
export interface Entry extends Witness {
  /** No route accepted: the row says so, and the error goes on to the caller. */
  refused(error: unknown): never
  /** Another model answers, under a grant of its own: the one so far is settled. */
  regrant(grant: Grant): void
  /** What an answer of several upstream calls has cost so far: one that breaks off does not say. */
  spent(usage: WireUsage): void
  /** The row's last state, and what was left out of the call. Never rejects; resolves when it is written. */
  settle(ending: Promise<Ending>, removed?: readonly string[]): Promise<void>
}

/** What was taken for a call, and what it is charged by. */
interface Terms {
  grant: Grant
  prices: Prices
}

/** What a row says of its call: nothing of what was asked, and nobody's connection. */
export type Told = Pick<Call, 'id' | 'model' | 'stream' | 'session' | 'agent' | 'parentAgent' | 'startedAt'>

/** What a row says beyond what was known when it was opened. */
type Outcome = Pick<LedgerRow, 'status'> & Partial<LedgerRow>

export function openEntry(
  runtime: Runtime,
  principal: Principal,
  call: Call,
  { grant: first, prices: book }: Terms,
): Entry {
  let [grant, prices] = [first, book]
  let route: Route | undefined
  /** Nano-dollars that upstreams billed which did not answer. */
  let lostNano = 0
  let attempts = 0
  let spentSoFar: WireUsage | undefined
  let removed: readonly string[] = []
  /** What had been spent whenever a call upstream began: each is charged by its own length. */
  const steps: Usage[] = []
  const { id, model, stream, session, agent, parentAgent, startedAt } = call
  const told = { id, model, stream, session, agent, parentAgent, startedAt }
  const trail = beginTrail(grant.choice)
  // Only until the answer begins: a stream may last for an hour, and what was asked is the largest part of it.
  let whole: Call | undefined = call

  async function write(outcome: Outcome) {
    if (!route) return
    // A row that cannot be written has been logged by the ledger.
    await runtime.data.ledger
      .write(Object.assign(opening(principal, told, route, attempts, grant), outcome))
      .catch(() => {})
  }

  async function close(outcome: Outcome, error?: GatewayError) {
    outcome.trail = trail.whole(removed)
    if (lostNano > 0) addLost(outcome, lostNano)
    report(runtime, principal, told, { ...outcome, aside: grant.aside }, error)
    // What never left cost nothing, whatever it would have.
    await Promise.all([write(outcome), grant.settle(route ? outcome : { costNano: 0 })])
  }

  return {
    step: trail.step,
    lost(where, usage) {
      lostNano += prices.ceiling(usage, ranBy(where), startedAt)
    },
    regrant(next) {
      grant = next
      prices = next.prices
    },
    sent(next) {
      route = next
      attempts++
      const { id: upstream, region } = next.upstream
      trail.step({ did: 'sent', at: runtime.now() - startedAt, upstream, modelId: next.modelId, region })
      if (spentSoFar) steps.push(usageFrom(spentSoFar))
      if (attempts === 1 && whole) runtime.waitUntil(write(beginning(whole, next, prices)))
    },
    refused(error) {
      const known = asGatewayError(error)
      if (whole) {
        const outcome = refusal(whole, route, { error: known, prices, now: runtime.now() })
        runtime.waitUntil(close(outcome, known))
      }
      throw error
    },
    spent(usage) {
      spentSoFar = usage
    },
    async settle(ending, left = []) {
      whole = undefined
      removed = left
      const ended = withSpent(await ending, spentSoFar)
      const { webSearchFee } = runtime.config
      const charged = route && settled(ended, steps, { route, prices, at: told.startedAt, webSearchFee })
      if (route && charged?.costNano === undefined) void tellUnpriced(runtime, ranBy(route), told)
      await close(settlement(told, ended, charged), ended.error)
    },
  }
}

/** It is no price of the answer's tokens, and was paid for it all the same. */
function addLost(outcome: Outcome, lostNano: number) {
  outcome.feeNano = (outcome.feeNano ?? 0) + lostNano
  // Where no price is known for the answer, what is known is not put for the whole.
  if (typeof outcome.costNano === 'number') outcome.costNano += lostNano
}

function withSpent(ended: Ending, spent: WireUsage | undefined): Ending {
  if (!spent || ended.source === 'final') return ended
  const usage = usageFrom(spent)
  return { ...ended, usage: { ...usage, output: Math.max(usage.output, ended.usage.output) } }
}

/**
 * A row before its outcome: what is known when the call is let through or turned away. Every column that an outcome may
 * say has its place from the start: a row that grows column by column cost 24 microseconds and 6 KB, twice a request.
 */
export function opening(
  principal: Principal,
  call: Told,
  route: Route,
  attempts: number,
  { day, decision }: Pick<Grant, 'day' | 'decision'>,
): LedgerRow {
  return {
    status: 'pending',
    usageSource: undefined,
    errorType: undefined,
    inputTokens: undefined,
    cacheReadTokens: undefined,
    cacheWrite5mTokens: undefined,
    cacheWrite1hTokens: undefined,
    outputTokens: undefined,
    webSearches: undefined,
    costNano: undefined,
    stopReason: undefined,
    trail: undefined,
    firstByteMs: undefined,
    serviceTier: undefined,
    feeNano: undefined,
    budgetId: undefined,
    budgetAction: undefined,
    durationMs: undefined,
    id: call.id,
    keyId: principal.keyId,
    userId: principal.userId,
    teamId: principal.teamId,
    model: call.model,
    modelId: route.modelId,
    provider: route.upstream.provider,
    upstream: route.upstream.id,
    region: route.upstream.region,
    regionClass: route.regionClass,
    stream: call.stream,
    attempts,
    sessionId: call.session,
    agentId: call.agent,
    parentAgentId: call.parentAgent,
    startedAt: new Date(call.startedAt),
    day,
    ...decision,
  }
}

/** Until its end is written over it, a row says what the request costs at the least: it stands if the process is lost. */
function beginning(call: Call, route: Route, prices: Prices): Outcome {
  const inputTokens = roughTokens(call.outline)
  const costNano = estimated(inputTokens, { route, prices, at: call.startedAt })
  return { status: 'pending', usageSource: 'estimated', inputTokens, costNano }
}

/** Before the first byte: a refusal costs nothing; of a call that was given up, what went in may be billed. */
function refusal(
  call: Call,
  route: Route | undefined,
  { error, prices, now }: { error: GatewayError; prices: Prices; now: number },
): Outcome {
  const durationMs = now - call.startedAt
  if (!call.signal.aborted) {
    return { status: 'refused', errorType: error.type, usageSource: 'final', costNano: 0, durationMs }
  }
  const inputTokens = estimatedInput(call, route)
  const costNano = route && estimated(inputTokens, { route, prices, at: call.startedAt })
  return { status: 'cancelled', usageSource: 'estimated', inputTokens, costNano, durationMs }
}

/** A longer body is not parsed for it: whoever hangs up must not cost the others their time. */
const LONGEST_PARSED = 1_000_000

function estimatedInput({ body, outline }: Call, route: Route | undefined): number {
  if (body.length > LONGEST_PARSED) return roughTokens(outline)
  return estimateTokens(parse(body, outline), generationOf(route?.model))
}

function settlement(call: Told, ended: Ending, charged: Charged | undefined): Outcome {
  const { usage } = ended
  return {
    status: ended.status,
    errorType: ended.error?.type,
    usageSource: ended.source,
    inputTokens: usage.input,
    cacheReadTokens: usage.cacheRead,
    cacheWrite5mTokens: usage.cacheWrite5m,
    cacheWrite1hTokens: usage.cacheWrite1h,
    outputTokens: usage.output,
    webSearches: ended.searches,
    ...charged,
    stopReason: ended.stopReason,
    firstByteMs: ended.firstByteAt - call.startedAt,
    durationMs: ended.endedAt - call.startedAt,
  }
}

/** One line a request: names and figures. */
function report(
  runtime: Runtime,
  principal: Principal,
  call: Told,
  outcome: Outcome & Pick<Grant, 'aside'>,
  error?: GatewayError,
) {
  const failed = outcome.status === 'refused' || outcome.status === 'failed_midstream'
  runtime.log(failed ? 'warn' : 'info', 'request', {
    id: call.id,
    key: principal.keyId,
    hint: principal.hint,
    model: call.model.slice(0, 200),
    status: outcome.status,
    error: outcome.errorType,
    cause: error?.operator,
    output_tokens: outcome.outputTokens,
    aside_nano: outcome.aside,
    cost_nano: outcome.costNano,
    first_byte_ms: outcome.firstByteMs,
    ms: outcome.durationMs,
  })
}
