/**
 * How limits and budgets stand, in headers: Anthropic's own (https://docs.claude.com/en/api/rate-limits), those by which
 * Claude Code warns of a spend limit (`anthropic-ratelimit-unified-*`), and ours, for whoever wants figures.
 */
import { accountOf, type Standing, timeFor, usedOf, type Want } from '../data/limits.ts'
import type { Ask } from './asks.ts'
import { type Account, verdictOn } from './budgets.ts'
import { percentOf } from './policies.ts'

/** An ask, what was wanted for it, and how that stands. */
export interface Told {
  ask: Ask
  want: Want
  standing: Standing | undefined
}

type Headers = Record<string, string>

/** The tightest limit of requests and of tokens. */
export function limitHeaders(told: readonly Told[], now: number): Headers {
  const headers: Headers = {}
  tell(headers, 'requests', tightestOf(told, isOfRequests), now)
  tell(headers, 'tokens', tightestOf(told, isOfTokens), now)
  return headers
}

function isOfRequests({ what }: Ask): boolean {
  return what === 'requests' || what === 'slow'
}

function isOfTokens({ what }: Ask): boolean {
  return what === 'tokens'
}

/** Of several that are as tight, the first. */
function tightestOf(told: readonly Told[], isOfThese: (ask: Ask) => boolean): Told | undefined {
  let tightest: Told | undefined
  for (const each of told)
    if (isOfThese(each.ask) && (!tightest || leftOf(each) < leftOf(tightest))) tightest = each
  return tightest
}

function tell(headers: Headers, kind: 'requests' | 'tokens', tightest: Told | undefined, now: number) {
  if (tightest?.want.kind !== 'rate') return
  const { want, standing } = tightest
  const prefix = `anthropic-ratelimit-${kind}`
  headers[`${prefix}-limit`] = String(want.cap)
  headers[`${prefix}-remaining`] = String(Math.floor(leftOf(tightest)))
  headers[`${prefix}-reset`] = secondOf(now + timeFor(usedOf(standing), want))
}

function leftOf({ want, standing }: Told): number {
  return Math.max(0, (want.cap ?? 0) - usedOf(standing))
}

/** RFC 3339, rounded up to a second: then the bucket is full. */
export function secondOf(time: number): string {
  return `${new Date(Math.ceil(time / 1_000) * 1_000).toISOString().slice(0, -5)}Z`
}

/** Where the client warns, in percent of what a budget lets through. */
const WARNS_AT = [95, 75] as const

/** What is left of the tightest budget, as it stood before this call. */
export function budgetHeaders(accounts: readonly Account[]): Headers {
  const [tightest] = accounts
    .map((account) => ({ account, share: shareSpent(account) }))
    .toSorted((a, b) => b.share - a.share)
  if (!tightest) return {}
  const { account, share } = tightest
  return {
    ...ourHeaders(account),
    ...(verdictOn(account).closesAt === null ? {} : unifiedHeaders(account, share)),
  }
}

/** Of what a budget lets through: that is the cap where nothing closes it. */
function shareSpent(account: Account): number {
  const most = verdictOn(account).closesAt ?? account.cap
  return most === 0 ? 1 : account.level.spent / most
}

function ourHeaders(account: Account): Headers {
  const { budget, window, cap, level } = account
  const { action } = verdictOn(account)
  return {
    'x-outcrop-budget': budget.id,
    'x-outcrop-budget-percent': String(percentOf(cap, level.spent)),
    'x-outcrop-budget-remaining-usd': (Math.max(0, cap - level.spent) / 1e9).toFixed(6),
    'x-outcrop-budget-reset': secondOf(window.resetsAt),
    ...(action ? { 'x-outcrop-budget-action': action } : {}),
  }
}

function unifiedHeaders({ window }: Account, share: number): Headers {
  const reset = epochSecond(window.resetsAt)
  const warned = WARNS_AT.find((percent) => share * 100 > percent)
  const status = warned === undefined ? 'allowed' : 'allowed_warning'
  return {
    [`${UNIFIED}-status`]: status,
    [`${UNIFIED}-reset`]: reset,
    [`${UNIFIED}-representative-claim`]: 'overage',
    [`${UNIFIED}-overage-status`]: status,
    [`${UNIFIED}-overage-reset`]: reset,
    [`${UNIFIED}-overage-utilization`]: Math.min(0.99, share).toFixed(2),
    ...(warned === undefined ? {} : { [`${UNIFIED}-overage-surpassed-threshold`]: String(warned / 100) }),
  }
}

const UNIFIED = 'anthropic-ratelimit-unified'

/** As the client knows them. */
const PERIODS: Partial<Record<Account['budget']['window'], string>> = {
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
}

/**
 * Of a refusal. Without the two claims: with them the client says words of its own in place of ours, and without the
 * reason that it is "temporarily limiting requests".
 */
export function closedHeaders(account: Account): Headers {
  const { budget, window } = account
  const reset = epochSecond(window.resetsAt)
  const period = PERIODS[budget.window]
  return {
    ...ourHeaders(account),
    'x-outcrop-budget-action': 'block',
    [`${UNIFIED}-status`]: 'rejected',
    [`${UNIFIED}-reset`]: reset,
    [`${UNIFIED}-overage-reset`]: reset,
    [`${UNIFIED}-overage-utilization`]: Math.max(1, shareSpent(account)).toFixed(2),
    [`${UNIFIED}-overage-surpassed-threshold`]: '1',
    ...(period === undefined ? {} : { [`${UNIFIED}-overage-period`]: period }),
    [`${UNIFIED}-overage-disabled-reason`]: 'org_spend_cap_reached',
  }
}

function epochSecond(time: number): string {
  return String(Math.ceil(time / 1_000))
}

/** What is left under a hold. */
export function isSpent({ want, standing }: Told): boolean {
  return want.kind === 'hold' && want.cap !== null && accountOf(standing).spent >= want.cap
}

/**
 * Whether less than a call may cost was left of a budget, beside what is set aside for others. It waits for them: the
 * last of a budget is for a call that is alone, or each that ends would let in another one for nearly nothing.
 */
export function isCrowdedOut({ ask, want, standing }: Told, aside: number): boolean {
  if (ask.what !== 'budget' || want.kind !== 'hold' || want.cap === null) return false
  return aside < want.cost && accountOf(standing).held > aside
}
