/**
 * May this principal send this call now, and to which model? All limits and budgets that hold for it are judged together,
 * in one round trip; where there are none, nobody is asked. What a token limit counts: input, cache writes and output;
 * never cache reads. What a budget counts is money.
 */
import type { Granted, Taken, Want } from '../data/limits.ts'
import type { GatewayError } from '../errors.ts'
import type { Call, Usage } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'
import { type Ask, isSettled, leastAside, limitAsks, settledCost, wantOf } from './asks.ts'
import type { Principal } from './authenticate.ts'
import { noticeThresholds } from './budgetnotices.ts'
import { type Account, askAgain, booked, cannotTell, heard, verdictOn } from './budgets.ts'
import type { Decision, Grant, Spent } from './grant.ts'
import { organisationAtHand, organisationOf } from './organisation.ts'
import { type Refusal, refusalOf, stuckAt } from './overlimit.ts'
import type { Prices } from './prices/book.ts'
import { pricesFor, ranBy } from './prices.ts'
import { maxTokensOf } from './read.ts'
import {
  countedTokens,
  expectedUsage,
  type Habit,
  type Habits,
  habitIn,
  habitsOf,
  learnHabit,
  reserve,
} from './reserve.ts'
import type { Choice } from './routing/choice.ts'
import { namesOf } from './routing/eligible.ts'
import type { Allowance } from './rules.ts'
import { budgetHeaders, isCrowdedOut, limitHeaders, type Told } from './standing.ts'
import { type Course, courseOf, isNamed, straight } from './stepdown.ts'
import { turnAway } from './turnaway.ts'
import type { Calendar } from './windows.ts'

/** What a call is judged by. */
interface Judged {
  runtime: Runtime
  principal: Principal
  call: Call
  calendar: Calendar
  contact: string | null
  course: Course
  prices: Prices
}

/**
 * @throws GatewayError rate_limit_error, saying which limit and when to come back; billing_error, saying which budget is
 *   spent; api_error where nobody can tell.
 */
export async function limit(
  runtime: Runtime,
  principal: Principal,
  call: Call,
  asked: Choice,
): Promise<Grant> {
  const known = organisationAtHand(runtime) ?? (await organisationOf(runtime).catch(cannotTell))
  const { calendar, contact } = known
  const course =
    principal.budgets.length === 0
      ? straight(asked)
      : await courseOf(runtime, calendar, principal, call, asked)
  const prices = await pricesFor(runtime, course.choice.routes, call.startedAt)
  const judged = { runtime, principal, call, calendar, contact, course, prices }
  if (course.stuck) throw turnedAway(judged, stuckAt(course.stuck, runtime.now(), contact))
  const limits = limitsOf(principal, course, call)
  if (limits.length === 0 && course.accounts.length === 0) return plainly(judged)
  const habits = habitsOf(runtime, principal.keyId)
  return judge(judged, limits, habits instanceof Promise ? await habits : habits)
}

/** Those that hold for the model that answers. */
function limitsOf({ limits }: Principal, { choice, step }: Course, call: Call): readonly Allowance[] {
  if (!limits.some(isOfModels)) return limits
  const names = namesOf(choice.routes[0], step?.model ?? call.model)
  return limits.filter((each) => !isOfModels(each) || isNamed(each.subject, names))
}

function isOfModels({ scope }: Allowance): boolean {
  return scope === 'model'
}

async function judge(judged: Judged, limits: readonly Allowance[], habits: Habits): Promise<Grant> {
  const { runtime, contact, course } = judged
  const { accounts } = course
  const asks = asksOf(judged, limits, habits)
  // As it was before this call.
  const headers = accounts.length === 0 ? undefined : budgetHeaders(accounts)
  const { taken, wants } = await take(runtime, asks)
  const told: Told[] = []
  let isCrowded = false
  for (const [index, want] of wants.entries()) {
    const ask = asks[index] as Ask
    const standing = taken.standings[index]
    if (ask.what === 'budget' && standing && 'spent' in standing) heard(ask.account, standing)
    const each = { ask, want, standing }
    if (taken.granted && isCrowdedOut(each, taken.asides[index] ?? 0)) isCrowded = true
    told.push(each)
  }
  if (!taken.granted) throw turnedAway(judged, refusalOf(told, runtime.now(), contact))
  if (isCrowded) {
    await giveBack(taken)
    throw turnedAway(judged, refusalOf(told, runtime.now(), contact))
  }
  const grant = plainly(judged)
  grant.aside = leastAside(asks, taken)
  grant.headers = Object.assign(limitHeaders(told, runtime.now()), headers, grant.headers)
  grant.settle = settler(judged, { taken, told, habits })
  return grant
}

function asksOf(judged: Judged, limits: readonly Allowance[], habits: Habits): Ask[] {
  const { call, course } = judged
  const habit = habitIn(habits, call.session)
  const asks: Ask[] = []
  for (const each of limits) asks.push(...limitAsks(each, (cap) => reserve(habit, call.body.length, cap)))
  if (course.accounts.length === 0) return asks
  const cost = expectedCost(judged, habit)
  for (const account of course.accounts) asks.push(...budgetAsks(account, cost))
  return asks
}

/** A store that is away is no reason to keep anybody waiting. */
async function giveBack(taken: Granted) {
  await Promise.resolve(taken.settle([])).catch(() => {})
}

/** A grant for which nothing was taken. */
function plainly({ calendar, course, call, prices }: Judged): Grant {
  return {
    choice: course.choice,
    model: course.step?.model,
    prices,
    day: calendar.dayOf(call.startedAt),
    decision: decisionIn(course),
    aside: undefined,
    headers: stepHeaders(course),
    settle() {},
  }
}

/** The budget whose policy weighs most: a step to another model, else what slows, else what only tells. */
function decisionIn({ step, accounts }: Course): Decision | undefined {
  if (step) return { budgetId: step.account.budget.id, budgetAction: 'step_down' }
  for (const action of ['slow', 'notify'] as const) {
    const account = accounts.find((each) => verdictOn(each).action === action)
    if (account) return { budgetId: account.budget.id, budgetAction: action }
  }
  return undefined
}

/** Never silently: who asked for a model is told that another one answers, and why. */
function stepHeaders({ step }: Course): Record<string, string> {
  if (!step) return {}
  return {
    'x-outcrop-model': step.model,
    'x-outcrop-budget': step.account.budget.id,
    'x-outcrop-budget-action': 'step_down',
  }
}

function budgetAsks(account: Account, cost: number): Ask[] {
  const { slow } = verdictOn(account)
  const money: Ask = { what: 'budget', account, cost }
  return slow === undefined ? [money] : [money, { what: 'slow', account, cap: slow }]
}

/** Nano-dollars to set aside: where no price is known, at the most that such a model costs. */
function expectedCost({ course, call, prices }: Judged, habit: Habit): number {
  const usage = expectedUsage(habit, call.body.length, maxTokensOf(call))
  return prices.ceiling(usage, ranBy(course.choice.routes[0]), call.startedAt)
}

/** In one round trip; in another one after the ledger was asked, where the store has lost an account. */
async function take(runtime: Runtime, asks: readonly Ask[]): Promise<{ taken: Taken; wants: Want[] }> {
  const { limits, config } = runtime
  const wanted = () => {
    const now = runtime.now()
    return asks.map((ask) => wantOf(ask, now, config.limits.totalAfter + SLACK))
  }
  const wants = wanted()
  const asked = limits.take(wants)
  const taken = asked instanceof Promise ? await asked : asked
  if (taken.granted || taken.unknown.length === 0) return { taken, wants }
  const lost = taken.unknown.flatMap((index) => asks[index] ?? [])
  await askAgain(
    runtime,
    lost.flatMap((ask) => (ask.what === 'budget' ? [ask.account] : [])),
  )
  const anew = wanted()
  const again = await limits.take(anew)
  if (!again.granted && again.unknown.length > 0) return cannotTell(new Error('the store forgets at once'))
  return { taken: again, wants: anew }
}

/** A place of a call that was never given back is free after this, beyond the longest a call may take. */
const SLACK = 600_000

function turnedAway(judged: Judged, { error, limit: name, closed }: Refusal): GatewayError {
  const { runtime, calendar, call } = judged
  runtime.metrics.count('outcrop_limit_refusals_total', { limit: name })
  if (closed) {
    noticeThresholds(runtime, closed)
    turnAway(judged, calendar.dayOf(call.startedAt), closed.budget.id)
  }
  return error
}

interface Settling {
  taken: Granted
  told: readonly Told[]
  habits: Habits
}

function settler(
  { runtime, calendar, call, course, prices }: Judged,
  { taken, told, habits }: Settling,
): Grant['settle'] {
  const { accounts } = course
  const { length } = call.body // and no more of the call: a grant lives as long as the answer
  const { session, startedAt } = call
  const ran = ranBy(course.choice.routes[0])
  const settles = told.some(({ ask }) => isSettled(ask))
  return async (spent) => {
    if (!settles) return
    const usage = usageOf(spent)
    const isGuess = spent.usageSource === 'estimated'
    if (!isGuess) learnHabit(habits, session, length, usage)
    const cost = spent.costNano ?? prices.ceiling(usage, ran, startedAt)
    const settled = { tokens: isGuess ? undefined : countedTokens(usage), cost }
    const costs = told.map(({ ask, want }) => settledCost(ask, want, settled))
    // A store that is away is no reason to keep the row waiting.
    await Promise.resolve(taken.settle(costs)).catch(() => {})
    if (accounts.length > 0) await booked(runtime, calendar, accounts, cost)
  }
}

function usageOf(spent: Spent): Usage {
  return {
    input: spent.inputTokens ?? 0,
    cacheRead: spent.cacheReadTokens ?? 0,
    cacheWrite5m: spent.cacheWrite5mTokens ?? 0,
    cacheWrite1h: spent.cacheWrite1hTokens ?? 0,
    output: spent.outputTokens ?? 0,
  }
}
