/** What a call asks of the store of limits: its part of every limit and budget that holds for it. */
import { charged, type Granted, type Hold, type Rate, type Want } from '../data/limits.ts'
import { type Account, holdOf } from './budgets.ts'
import type { Allowance } from './rules.ts'

export type Ask = LimitAsk | SlowAsk | BudgetAsk

/** Of what somebody may send. */
export interface LimitAsk {
  what: 'requests' | 'tokens' | 'concurrent'
  allowance: Allowance
  cap: number
  cost: number
}

/** Of what a budget still lets through where its policy slows down. */
export interface SlowAsk {
  what: 'slow'
  account: Account
  cap: number
}

/** Of a budget's money. */
export interface BudgetAsk {
  what: 'budget'
  account: Account
  cost: number
}

/** What a call came to, as far as limits go. */
export interface Settled {
  /** Undefined where nobody counted: what was set aside stays. */
  tokens: number | undefined
  /** Nano-dollars. */
  cost: number
}

const MINUTE = 60_000

/** The asks of one allowance. `tokens` says what to set aside under a cap. */
export function limitAsks(allowance: Allowance, tokens: (cap: number) => number): LimitAsk[] {
  const { requestsPerMinute, tokensPerMinute, concurrent } = allowance
  const asks: LimitAsk[] = []
  if (requestsPerMinute !== null) asks.push({ what: 'requests', allowance, cap: requestsPerMinute, cost: 1 })
  if (tokensPerMinute !== null)
    asks.push({ what: 'tokens', allowance, cap: tokensPerMinute, cost: tokens(tokensPerMinute) })
  if (concurrent !== null) asks.push({ what: 'concurrent', allowance, cap: concurrent, cost: 1 })
  return asks
}

/** @param longest how long a call may be under way, in milliseconds */
export function wantOf(ask: Ask, now: number, longest: number): Want {
  if (ask.what === 'budget') return holdOf(ask.account, ask.cost, now)
  if (ask.what === 'slow') return rate(`${ask.account.budget.account}:slow`, ask.cap, 1)
  const { what, allowance, cap, cost } = ask
  // A pattern of models may hold what a name may not.
  const name = `${allowance.scope}:${encodeURIComponent(allowance.subject)}:${what}`
  return what === 'concurrent' ? place(name, cap, now + longest) : rate(name, cap, cost)
}

function rate(name: string, cap: number, cost: number): Rate {
  return { kind: 'rate', name, cap, per: MINUTE, cost }
}

/** One of the calls under way: nothing is ever spent. */
function place(name: string, cap: number, until: number): Hold {
  return { kind: 'hold', name, cap, cost: 1, until, floor: 0 }
}

/** What an ask has cost after all. A request that was sent stays counted, whatever became of it. */
export function settledCost(ask: Ask, want: Want, { tokens, cost }: Settled): number {
  if (ask.what === 'budget') return cost
  if (ask.what === 'concurrent') return 0
  if (ask.what === 'tokens') return tokens ?? (want.kind === 'rate' ? charged(want) : 0)
  return 1
}

/** Whether anything of it comes back, or is added, when the call is over. */
export function isSettled({ what }: Ask): boolean {
  return what !== 'requests' && what !== 'slow'
}

/** Of all budgets, what was set aside of the one with the least room; undefined where there is none. */
export function leastAside(asks: readonly Ask[], { asides }: Pick<Granted, 'asides'>): number | undefined {
  let least: number | undefined
  for (const [index, ask] of asks.entries())
    if (ask.what === 'budget') least = Math.min(least ?? Number.POSITIVE_INFINITY, asides[index] ?? 0)
  return least
}
