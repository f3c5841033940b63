/** How a budget stands, for whoever looks at it: what is spent and set aside, what is left, and until when. */
import type { BudgetRow } from '../data/budgets.ts'
import { accountOf } from '../data/limits.ts'
import type { Runtime } from '../runtime.ts'
import { capOf, spentOf } from './budgets.ts'
import { organisationOf } from './organisation.ts'
import { judge, percentOf } from './policies.ts'
import { type Budget, budgetOf } from './rules.ts'
import type { Window } from './windows.ts'

export interface BudgetStanding {
  window: Window
  /** Nano-dollars, all of them. */
  spent: number
  /** Set aside for calls under way. */
  held: number
  /** With what it was raised by; null is no cap. */
  cap: number | null
  remaining: number | null
  percent: number | null
  /** Whether it lets nothing more through. */
  closed: boolean
}

/** Long enough for the store to keep what it is told here. */
const KEPT = 3_600_000

/** @param userId of a default: whose */
export async function standingOf(
  runtime: Runtime,
  row: BudgetRow,
  userId: string | undefined,
): Promise<BudgetStanding> {
  const { calendar } = await organisationOf(runtime)
  const now = runtime.now()
  const window = calendar.windowOf(row, now)
  const budget = budgetOf(row, row.capNano ?? 0, spenderOf(row, userId), () => '')
  const ledger = await spentOf(runtime, budget, window)
  // Without a cap no call is held against it.
  if (row.capNano === null) {
    return { window, spent: ledger, held: 0, cap: null, remaining: null, percent: null, closed: false }
  }
  const cap = capOf(budget, now)
  const { spent, held } = await inStore(runtime, budget, window, ledger)
  const { closesAt } = judge(budget.rules, cap, spent)
  return {
    window,
    spent,
    held,
    cap,
    remaining: Math.max(0, cap - spent),
    percent: percentOf(cap, spent),
    closed: closesAt !== null && spent >= closesAt,
  }
}

/** What the store has: nothing is taken. */
async function inStore(runtime: Runtime, budget: Budget, window: Window, floor: number) {
  const until = Math.max(window.resetsAt, runtime.now()) + KEPT
  const name = `${budget.account}:${window.key}`
  const taken = await runtime.limits.take([{ kind: 'hold', name, cap: null, cost: 0, until, floor }])
  if (taken.granted) await taken.settle([0])
  return accountOf(taken.standings[0])
}

function spenderOf({ scope, subject }: BudgetRow, userId: string | undefined) {
  return {
    keyId: scope === 'key' ? subject : '',
    teamId: scope === 'team' || scope === 'member' ? subject : undefined,
    userId: scope === 'user' ? subject : userId,
  }
}
