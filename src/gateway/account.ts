/** The books: a ledger row beside the upstream call, settled with its usage and cost however the call ends. */

import { asGatewayError, type GatewayError } from '../errors.ts'
import { type Call, type Usage, usageFrom, type WireUsage } from '../protocol/messages.ts'
import { roughTokens } from '../protocol/tokens.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { settled } from './charge.ts'
import type { Grant } from './grant.ts'
import type { Ending } from './meter.ts'
import type { Prices } from './prices/book.ts'
import { tellUnpriced } from './prices/unpriced.ts'
import { ranBy } from './prices.ts'
import type { Choice } from './routing/choice.ts'
import { countWay } from './routing/counts.ts'
import type { Witness } from './routing/quest.ts'
import { beginTrail } from './routing/trail.ts'
import {
  addLost,
  beginning,
  type Outcome,
  opening,
  refusal,
  settlement,
  type Told,
  withOutcome,
} from './row.ts'

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

export function openEntry(
  runtime: Runtime,
  principal: Principal,
  call: Call,
  { grant: first, prices: book }: Terms,
): Entry {
  let [grant, prices] = [first, book]
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
  let inputTokens: number | undefined

  function write(outcome: Outcome): Promise<void> {
    const route = trail.route()
    if (!route) return Promise.resolve()
    const row = withOutcome(opening(principal, told, route, attempts, grant), outcome)
    return runtime.data.ledger.write(row).catch(() => {}) // what cannot be written has been logged by the ledger
  }

  async function close(outcome: Outcome, error?: GatewayError) {
    outcome.trail = trail.whole(removed)
    countWay(runtime.metrics, first.choice, trail.steps, { status: outcome.status, route: trail.route() })
    if (lostNano > 0) addLost(outcome, lostNano)
    report(runtime, principal, told, { outcome, aside: grant.aside, error })
    const written = write(outcome)
    // What never left cost nothing, whatever it would have.
    await grant.settle(trail.route() ? outcome : { costNano: 0 })
    await written
  }

  return {
    step: trail.step,
    took: trail.took,
    lost(where, usage) {
      lostNano += prices.ceiling(usage, ranBy(where), startedAt)
    },
    regrant(next) {
      grant = next
      prices = next.prices
    },
    sent(next) {
      const isElsewhere = trail.route()?.upstream.id !== next.upstream.id
      attempts++
      trail.sent(next, runtime.now() - startedAt, isProbe(runtime, first.choice, next))
      if (spentSoFar) steps.push(usageFrom(spentSoFar))
      if (!isElsewhere) return
      // If the process is lost, the row says where the call was last, and how it came there.
      inputTokens ??= whole ? roughTokens(whole.outline) : 0
      const begun = beginning(inputTokens, { route: next, prices, at: startedAt })
      begun.trail = trail.whole(removed)
      runtime.waitUntil(write(begun))
    },
    refused(error) {
      const known = asGatewayError(error)
      if (whole) {
        const outcome = refusal(whole, trail.route(), { error: known, prices, now: runtime.now() })
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
      const route = trail.route()
      const charged = route && settled(ended, steps, { route, prices, at: told.startedAt, webSearchFee })
      if (route && charged?.costNano === undefined) void tellUnpriced(runtime, ranBy(route), told)
      await close(settlement(told, ended, charged), ended.error)
    },
  }
}

/** Whether calls had failed there, and this one is to find out how it is now. */
function isProbe({ steering, now }: Runtime, { strategy }: Choice, { upstream, modelId }: Route): boolean {
  if (strategy === 'only') return false // it goes there whatever became of others
  return steering.breakers.look(upstream.id, modelId, now()).open // but for this one
}

function withSpent(ended: Ending, spent: WireUsage | undefined): Ending {
  if (!spent || ended.source === 'final') return ended
  const usage = usageFrom(spent)
  return { ...ended, usage: { ...usage, output: Math.max(usage.output, ended.usage.output) } }
}

interface Reported extends Pick<Grant, 'aside'> {
  outcome: Outcome
  error: GatewayError | undefined
}

/** One line a request: names and figures. */
function report(runtime: Runtime, principal: Principal, call: Told, { outcome, aside, error }: Reported) {
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
    aside_nano: aside,
    cost_nano: outcome.costNano,
    first_byte_ms: outcome.firstByteMs,
    ms: outcome.durationMs,
  })
}
