/** From the upstreams that may take a call to the order in which they are tried. */
import type { Found } from '../../data/bindings.ts'
import type { Call } from '../../protocol/messages.ts'
import { nameOfRun } from '../../protocol/models.ts'
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'
import { threadOf } from './bindings.ts'
import { type Choice, type LeftOut, onlyChoice } from './choice.ts'
import type { Fit, Judged, Short } from './eligible.ts'
import type { Policy } from './policy.ts'
import { type Order, ordered } from './strategies.ts'

/** Whose call it is, as far as that decides where it goes. */
export interface Chooser {
  principal: Pick<Principal, 'userId' | 'keyId'>
  call: Pick<Call, 'session' | 'agent' | 'id'>
  policy: Policy
}

/**
 * The choice among those that may take it; undefined where there is none. What is only no good just now comes last, with
 * what speaks against it: dispatch waits for it, or tries it for want of anything better, since an account itself has the
 * last word. One that is not healthy is tried where there is nothing else at all.
 */
export async function choose(
  runtime: Runtime,
  chooser: Chooser,
  judged: Judged,
): Promise<Choice | undefined> {
  const { fit, short } = judged
  const [one, other] = [...fit, ...short]
  if (!one) return undefined
  if (!other) return { ...onlyChoice(one.route), ...objections(judged, [one]) }
  const { strategy } = chooser.policy
  const order = { strategy, seed: seedOf(chooser), underWay: runtime.steering.underWay }
  if (strategy !== 'sticky') return arranged(judged, order)
  const thread = threadOf(chooser.principal, chooser.call, nameOfRun(one.route))
  const names = thread.session === undefined ? [thread.own] : [thread.own, thread.session]
  const asked = runtime.bindings.find(names)
  const found = asked instanceof Promise ? await asked : asked
  const [own] = found
  const choice = arranged(judged, order, found)
  return choice && { ...choice, binding: { name: thread.own, upstream: own } }
}

/** What goes to the same upstream by itself: a thread; of who names none all calls, where they are kept together at all. */
function seedOf({ principal: { userId, keyId }, call: { id, session, agent }, policy }: Chooser): string {
  const thread = session ?? (policy.strategy === 'sticky' ? null : id)
  return JSON.stringify([userId ?? keyId, thread, agent ?? null])
}

function arranged(judged: Judged, order: Order, found: Found = []): Choice | undefined {
  const { fit, short } = judged
  const inOrder = [
    ...ordered(fit, order),
    ...soonest(short, 'no_headroom'),
    ...soonest(short, 'breaker_open'),
  ]
  const able: readonly Fit[] = inOrder.length > 0 ? inOrder : ordered(short, order)
  const first = keptTo(able, fit, found)
  const [best, ...rest] = first ? [first, ...able.filter((each) => each !== first)] : able
  if (!best) return undefined
  return {
    routes: [best.route, ...rest.map(({ route }) => route)],
    strategy: order.strategy,
    binding: undefined,
    ...objections(judged, [best, ...rest]),
  }
}

/**
 * What a thread is kept to, though it be full or spared: it has a cache there, and whether to wait or to write that anew
 * is weighed when its turn comes. A subagent that has none yet goes where its session is, if there is room for it.
 */
function keptTo(able: readonly Fit[], fit: readonly Fit[], [own, sessions]: Found): Fit | undefined {
  if (own !== undefined) return able.find(({ configured }) => configured.id === own)
  return fit.find(({ configured }) => configured.id === sessions)
}

function soonest(short: readonly Short[], reason: Short['reason']): Short[] {
  const these = short.filter((each) => each.reason === reason)
  return these.sort((a, b) => (a.until ?? 0) - (b.until ?? 0))
}

function objections({ short, out }: Judged, taken: readonly Fit[]): Pick<Choice, 'leftOut' | 'despite'> {
  const despite = short.filter((each) => taken.includes(each)).map(leftOut)
  const others = short.filter((each) => !taken.includes(each)).map(leftOut)
  const ruledOut = out.map(({ upstream, reason, detail }) => ({ upstream, reason, detail }))
  return { leftOut: [...others, ...ruledOut], ...(despite.length === 0 ? {} : { despite }) }
}

function leftOut({ configured, reason, detail }: Short): LeftOut {
  return { upstream: configured.id, reason, detail }
}
