/**
 * Budgets as they stand: the account of each in the window of a call, what is known of its level, and what follows from
 * that. What is known comes from the store of limits with every call; the ledger is asked where nothing is known, and
 * now and then afterwards, for what no store was told.
 */
import type { Floor, Hold } from '../data/limits.ts'
import { GatewayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { noticeThresholds } from './budgetnotices.ts'
import { judge, type Verdict } from './policies.ts'
import type { Budget } from './rules.ts'
import type { Calendar, Window } from './windows.ts'

/** What is known of an account here: changed by whoever hears more. */
export interface Level {
  spent: number
  held: number
  /** When the ledger was asked last. */
  askedAt: number
  /** Whether the store has heard what the ledger said. */
  told: boolean
  /** Percentages that people have been told of. */
  noticed: number[]
}

/** A budget in one window. */
export interface Account {
  budget: Budget
  window: Window
  name: string
  /** With what it was raised by. */
  cap: number
  timeZone: string
  level: Level
}

/** After the end of its window an account is kept for calls that are still under way. */
const KEPT = 3_600_000
/** How old what the ledger said may get. */
const REFRESH = 300_000

/** The accounts of these budgets at a moment. @throws GatewayError api_error where nobody can say how one stands. */
export function accountsOf(
  runtime: Runtime,
  calendar: Calendar,
  budgets: readonly Budget[],
  at: number,
): Promise<Account[]> {
  return Promise.all(
    budgets.map(async (budget) => {
      const window = calendar.windowOf(budget, at)
      const name = `${budget.account}:${window.key}`
      const level = await levelOf(runtime, budget, window, name)
      return { budget, window, name, cap: capOf(budget, runtime.now()), timeZone: calendar.timeZone, level }
    }),
  )
}

function levelOf(runtime: Runtime, budget: Budget, window: Window, name: string): Promise<Level> {
  return runtime.cache
    .remember(name, async () => ({
      value: {
        spent: await spentOf(runtime, budget, window),
        held: 0,
        askedAt: runtime.now(),
        told: false,
        noticed: [],
      },
      ttl: Math.max(window.resetsAt - runtime.now(), KEPT),
    }))
    .catch(cannotTell)
}

/** Longer than this a call is hardly under way: its process is gone, and what it holds with it. */
const UNDER_WAY = 900_000

/** As the ledger has it, without what is under way: the store holds what is set aside for that. */
export function spentOf(
  { data, now }: Pick<Runtime, 'data' | 'now'>,
  { spender, model }: Pick<Budget, 'spender' | 'model'>,
  { span }: Window,
): Promise<number> {
  const settledFrom = new Date(now() - UNDER_WAY)
  return data.spending.spent({ ...spender, ...(model === '' ? {} : { model }), ...span, settledFrom })
}

/** Asks the ledger anew, of accounts that the store has lost. @throws as `accountsOf` does. */
export async function askAgain(runtime: Runtime, accounts: readonly Account[]) {
  await Promise.all(
    accounts.map(async ({ budget, window, level }) => {
      level.spent = await spentOf(runtime, budget, window).catch(cannotTell)
      level.askedAt = runtime.now()
      level.told = false
    }),
  )
}

/** A gate fails closed; but whoever is turned away by an outage may come again. */
export function cannotTell(cause: unknown): never {
  throw new GatewayError(
    'api_error',
    'The gateway cannot check limits and budgets just now: its database does not answer.',
    { cause, status: 503, retryAfter: 5 },
  )
}

export function capOf({ cap, raise, raiseUntil }: Pick<Budget, 'cap' | 'raise' | 'raiseUntil'>, now: number) {
  return now < raiseUntil ? cap + raise : cap
}

/** What follows from what is known of an account now. */
export function verdictOn({ budget, cap, level }: Account): Verdict {
  return judge(budget.rules, cap, level.spent)
}

/** What the store is asked for. */
export function holdOf(account: Account, cost: number, now: number): Hold {
  const { name, window, level } = account
  return {
    kind: 'hold',
    name,
    cap: verdictOn(account).closesAt,
    cost,
    until: untilOf(window, now),
    ...(level.told ? {} : { floor: level.spent }),
  }
}

function untilOf({ resetsAt }: Window, now: number): number {
  return Math.max(resetsAt, now) + KEPT
}

/** What the store said of an account. */
export function heard({ level }: Account, { spent, held }: { spent: number; held: number }) {
  level.spent = spent
  level.held = held
  level.told = true
}

/**
 * After a call has been settled: what it cost is spent, people are told of thresholds it crossed, and what was last
 * heard of the ledger is renewed where it is old. Never rejects.
 */
export async function booked(
  runtime: Runtime,
  calendar: Calendar,
  accounts: readonly Account[],
  cost: number,
) {
  for (const account of accounts) {
    account.level.spent += cost
    noticeThresholds(runtime, account)
  }
  const now = runtime.now()
  const [old, past] = [
    accounts.filter(({ level }) => now - level.askedAt > REFRESH),
    accounts.filter(({ budget, window }) => budget.window === 'rolling' && now >= window.resetsAt),
  ]
  // Where that fails it is the next call's turn.
  if (old.length > 0) await refresh(runtime, old).catch(() => {})
  if (past.length > 0) await carryOver(runtime, calendar, past, cost).catch(() => {})
}

/** What was spent before a rolling window took its last step counts after it as well. */
async function carryOver(runtime: Runtime, calendar: Calendar, accounts: readonly Account[], cost: number) {
  const now = runtime.now()
  const names = accounts.map(({ budget }) => `${budget.account}:${calendar.windowOf(budget, now).key}`)
  const wants = names.map((name): Hold => ({ kind: 'hold', name, cap: null, cost: 0, until: now + KEPT }))
  const taken = await runtime.limits.take(wants)
  // An account that nobody has asked for yet will be begun with what the ledger says.
  if (taken.granted) await taken.settle(wants.map(() => cost))
}

/** The store hears what the ledger has beyond what it was told: of calls that another process began and never ended. */
async function refresh(runtime: Runtime, accounts: readonly Account[]) {
  const now = runtime.now()
  for (const { level } of accounts) level.askedAt = now // and nobody else asks meanwhile
  const floors = await Promise.all(
    accounts.map(async ({ budget, window, name }): Promise<Floor> => {
      return { name, floor: await spentOf(runtime, budget, window), until: untilOf(window, now) }
    }),
  )
  await runtime.limits.raise(floors)
}
