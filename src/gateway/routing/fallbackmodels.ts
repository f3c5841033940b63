/**
 * Where no upstream serves a model, because all are full or down, the next model of the chain answers which the team or the
 * organisation has set up for it. Never silently: a header says which one, and the row how it came to that. Whatever holds
 * for a call of that model holds for this one: what its key may use, limits, budgets.
 */
import { GatewayError } from '../../errors.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Runtime } from '../../runtime.ts'
import type { Entry } from '../account.ts'
import type { Principal } from '../authenticate.ts'
import type { Grant } from '../grant.ts'
import { limit } from '../limit.ts'
import { matches } from '../models.ts'
import { route } from '../route.ts'
import { namesOf } from './eligible.ts'
import type { Failure } from './failures.ts'
import { policyOf } from './policy.ts'
import type { Instead, Terms } from './quest.ts'

/** What a call goes by while it is looked for who answers it. */
export interface Standing {
  terms: Terms
  /** The grant that holds now, and what is said of it. */
  headers(): Readonly<Record<string, string>>
}

/** Trouble that another model may not have: what only people can mend is theirs to see. */
const PASSING: ReadonlySet<Failure['class']> = new Set([
  'throttled',
  'spent_today',
  'overloaded',
  'failed',
  'slow',
  'unreachable',
])

/** @param asked as the client sent it */
export function standingOf(
  runtime: Runtime,
  principal: Principal,
  asked: Call,
  first: Grant,
  entry: Entry,
): Standing {
  let grant = first
  let model = first.model ?? asked.model
  let stepped: string | undefined
  let chain: string[] | undefined

  async function instead(failed: readonly Failure[]): Promise<Instead | undefined> {
    if (failed.length > 0 && !failed.some((each) => PASSING.has(each.class))) return undefined
    chain ??= await chainOf(runtime, principal, first, model)
    for (let next = chain.shift(); next !== undefined; next = chain.shift()) {
      const choice = await choiceFor(runtime, principal, { ...asked, model: next })
      if (!choice) continue
      // What was taken for the other model is given back first: it must not be in this one's way.
      await grant.settle({ costNano: 0 })
      grant = { ...grant, settle: () => {} }
      entry.regrant(grant)
      const leave = await leaveFor(runtime, principal, { ...asked, model: next }, choice)
      if (!leave) continue
      grant = leave
      entry.regrant(leave)
      const to = leave.model ?? next
      entry.step({ did: 'stepped_down', at: runtime.now() - asked.startedAt, from: model, to })
      runtime.metrics.count('outcrop_routing_stepped_down_total', { from: nameOf(first), to: nameOf(leave) })
      model = to
      stepped = to
      return { model: to, choice: leave.choice, prices: leave.prices }
    }
    return undefined
  }

  return {
    headers: () => ({ ...grant.headers, ...(stepped === undefined ? {} : { 'x-outcrop-model': stepped }) }),
    terms: {
      who: principal.userId ?? principal.keyId,
      prices: first.prices,
      patience: async () => (await policyOf(runtime, principal)).patience,
      instead,
    },
  }
}

/** The models that may stand in, by the first pattern that means this one. */
async function chainOf(
  runtime: Runtime,
  principal: Principal,
  { choice }: Grant,
  model: string,
): Promise<string[]> {
  const { stepDown } = await policyOf(runtime, principal)
  const names = namesOf(choice.routes[0], model)
  for (const [pattern, models] of Object.entries(stepDown)) {
    if (names.some((name) => matches(pattern, name))) return models.filter((each) => !names.includes(each))
  }
  return []
}

function choiceFor(runtime: Runtime, principal: Principal, call: Call) {
  return route(runtime, principal, call).catch(unlessRefused)
}

function leaveFor(runtime: Runtime, principal: Principal, call: Call, choice: Grant['choice']) {
  return limit(runtime, principal, call, choice).catch(unlessRefused)
}

/** A model that is not there, may not be used, or may not be paid for is passed over. */
function unlessRefused(error: unknown): undefined {
  if (error instanceof GatewayError && error.status < 500) return undefined
  throw error
}

/** Labels are from a bounded set. */
function nameOf({ choice }: Grant): string {
  return choice.routes[0].model?.name ?? 'other'
}
