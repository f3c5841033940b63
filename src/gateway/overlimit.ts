/** How a call over a limit or a budget is refused: which one, of whom, and when to come back. */
import { hasRoom, usedOf, waitFor } from '../data/limits.ts'
import { GatewayError } from '../errors.ts'
import type { LimitAsk } from './asks.ts'
import { type Account, verdictOn } from './budgets.ts'
import { dollars, resetOf, titleFor } from './budgetwords.ts'
import { closedHeaders, isSpent, limitHeaders, type Told } from './standing.ts'

/** Claude Code gives up at once when it is to wait longer. */
const LONGEST_WAIT = 60
/** Seconds: calls under way are over any moment, and nobody knows when. */
const SOON = 3

/** Why a call goes no further. */
export interface Refusal {
  error: GatewayError
  /** What of it, for the counter. */
  limit: Told['ask']['what']
  /** The budget that lets nothing through. */
  closed: Account | undefined
}

/** @param contact whom to ask for more */
export function refusalOf(told: readonly Told[], now: number, contact: string | null): Refusal {
  const closed = closedIn(told)
  if (closed) return { error: budgetSpent(closed, now, contact), limit: 'budget', closed }
  const [first] = told
    .filter(({ want, standing }) => standing && !hasRoom(want, standing))
    .toSorted((a, b) => secondsUntil(b) - secondsUntil(a))
  const seconds = first ? secondsUntil(first) : SOON
  const sentence = first ? sentenceFor(first) : 'A limit is used up.'
  const error = new GatewayError('rate_limit_error', `${sentence} Try again in ${spoken(seconds)}.`, {
    retryAfter: Math.min(seconds, LONGEST_WAIT),
    headers: limitHeaders(told, now),
  })
  return { error, limit: first?.ask.what ?? 'requests', closed: undefined }
}

/** Of several the one that stays so for longest. */
function closedIn(told: readonly Told[]): Account | undefined {
  const accounts = told.flatMap((each) =>
    each.ask.what === 'budget' && isSpent(each) ? [each.ask.account] : [],
  )
  return accounts.toSorted((a, b) => b.window.resetsAt - a.window.resetsAt)[0]
}

function secondsUntil({ want, standing }: Told): number {
  if (want.kind === 'hold') return SOON
  return Math.max(1, Math.ceil(waitFor(want, usedOf(standing)) / 1_000))
}

function sentenceFor({ ask }: Told): string {
  if (ask.what === 'budget')
    return `${titleFor(ask.account)} has no room left but for calls that are under way.`
  if (ask.what === 'slow') {
    const { level, cap } = ask.account
    const spent = `${dollars(level.spent)} of ${dollars(cap)}`
    return `${titleFor(ask.account)} is nearly used up (${spent}): it lets ${ask.cap} requests a minute through.`
  }
  return limitSentence(ask)
}

function limitSentence({ what, allowance, cap }: LimitAsk): string {
  const { scope, name } = allowance
  const calls = `${cap} call${cap === 1 ? '' : 's'} under way`
  if (scope === 'model') {
    return what === 'concurrent'
      ? `There are ${calls} to models named '${name}', which is the limit.`
      : `The limit of ${cap} ${what} a minute to models named '${name}' is used up.`
  }
  if (what === 'concurrent') {
    const has = scope === 'user' ? 'You have' : `${WHO[scope](name)} has`
    return `${has} ${calls}, which is the limit.`
  }
  const used = scope === 'user' ? 'You have used your' : `${WHO[scope](name)} has used its`
  return `${used} limit of ${cap} ${what} a minute.`
}

const WHO = {
  key: () => 'This key',
  team: (name: string) => `The team '${name}'`,
  organisation: () => 'The organisation',
} as const

/** A budget that lets nothing through but to a model that may not answer this call. */
export function stuckAt(account: Account, now: number, contact: string | null): Refusal {
  const { level, cap } = account
  const sentence = `Of ${inSentence(titleFor(account))} ${dollars(level.spent)} of ${dollars(cap)} are spent. Only the model '${verdictOn(account).stepDown}' is still paid from it, which this key may not use.`
  const error = new GatewayError('billing_error', `${sentence} ${resetOf(account)} ${askFor(contact)}`, {
    retryAfter: secondsTo(account, now),
    headers: closedHeaders(account),
  })
  return { error, limit: 'budget', closed: account }
}

function inSentence(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1)
}

function askFor(contact: string | null): string {
  return contact === null ? 'Ask whoever runs this gateway for more.' : `Ask ${contact} for more.`
}

function secondsTo({ window }: Account, now: number): number {
  return Math.max(1, Math.ceil((window.resetsAt - now) / 1_000))
}

/** Final: no waiting of the client's cures it, and Claude Code shows the sentence at once. */
function budgetSpent(account: Account, now: number, contact: string | null): GatewayError {
  const { cap, level } = account
  const asking = askFor(contact)
  if (cap === 0) {
    return new GatewayError('billing_error', `${titleFor(account)} allows nothing. ${asking}`, {
      headers: closedHeaders(account),
    })
  }
  const sentence = `${titleFor(account)} is spent: ${dollars(level.spent)} of ${dollars(cap)}. ${resetOf(account)} ${asking}`
  return new GatewayError('billing_error', sentence, {
    retryAfter: secondsTo(account, now),
    headers: closedHeaders(account),
  })
}

function spoken(seconds: number): string {
  if (seconds <= 2 * LONGEST_WAIT) return `${seconds} second${seconds === 1 ? '' : 's'}`
  return `${Math.ceil(seconds / 60)} minutes`
}
