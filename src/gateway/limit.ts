/**
 * May this principal send this call now? Requests and tokens a minute are judged together, in one round trip; a
 * principal without limits costs none. What a token limit counts: input, cache writes and output; never cache reads.
 * The headers are Anthropic's: https://docs.claude.com/en/api/rate-limits
 */
import type { KeyLimits } from '../data/keys.ts'
import { type Rate, timeFor, usedOf, waitFor } from '../data/limits.ts'
import type { LedgerRow } from '../data/rows.ts'
import { GatewayError } from '../errors.ts'
import type { Call } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'
import { habitOf, learnHabit, reserve } from './reserve.ts'

/** What was taken for a call. */
export interface Grant {
  /** How its limits stand, for the client. */
  headers: Readonly<Record<string, string>>
  /**
   * Corrects what was set aside to what was spent; of a call that was refused that is nothing. Where the spending is a
   * guess, of a call that was given up before anybody counted, what was set aside stays: that guess knows about caches.
   * Never rejects.
   */
  settle(spent: Spent): Promise<void> | void
}

/** As the ledger has it. */
export type Spent = Partial<
  Pick<
    LedgerRow,
    'usageSource' | 'inputTokens' | 'cacheWrite5mTokens' | 'cacheWrite1hTokens' | 'outputTokens'
  >
>

const UNLIMITED: Grant = { headers: {}, settle: () => {} }

/** @throws GatewayError rate_limit_error, saying which limit and when to come back. */
export function limit(runtime: Runtime, principal: Principal, call: Call): Grant | Promise<Grant> {
  const { limits } = principal
  return limits ? take(runtime, principal.keyId, limits, call) : UNLIMITED
}

const MINUTE = 60_000

async function take(runtime: Runtime, keyId: string, limits: KeyLimits, call: Call): Promise<Grant> {
  const { requestsPerMinute, tokensPerMinute } = limits
  const { length } = call.body // and no more of the call: a grant lives as long as the answer
  const wants: Rate[] = []
  const nameOf = (limit: string) => `key:${keyId}:${limit}`
  if (requestsPerMinute !== null)
    wants.push({ kind: 'rate', name: nameOf('requests'), cap: requestsPerMinute, per: MINUTE, cost: 1 })
  const habit = tokensPerMinute === null ? undefined : await habitOf(runtime, keyId)
  if (tokensPerMinute !== null && habit) {
    const cost = reserve(habit, length, tokensPerMinute)
    wants.push({ kind: 'rate', name: nameOf('tokens'), cap: tokensPerMinute, per: MINUTE, cost })
  }
  const taken = await runtime.limits.take(wants)
  const used = taken.standings.map(usedOf)
  const headers = headersOf(wants, used, runtime.now())
  if (!taken.granted) throw refusal(runtime, wants, used, headers)
  return {
    headers,
    settle(spent) {
      if (!habit || spent.usageSource === 'estimated') return
      const tokens = counted(spent)
      learnHabit(habit, length, tokens)
      // A request that was sent stays counted, whatever became of it.
      return taken.settle(wants.map((want) => (labelOf(want) === 'tokens' ? tokens : 1)))
    },
  }
}

function counted({
  inputTokens = 0,
  cacheWrite5mTokens = 0,
  cacheWrite1hTokens = 0,
  outputTokens = 0,
}: Spent): number {
  return inputTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}

/** `requests` or `tokens`. */
function labelOf({ name }: Rate): string {
  return name.slice(name.lastIndexOf(':') + 1)
}

function headersOf(wants: readonly Rate[], used: readonly number[], now: number): Record<string, string> {
  const headers: Record<string, string> = {}
  wants.forEach((want, index) => {
    const amount = used[index] ?? 0
    const prefix = `anthropic-ratelimit-${labelOf(want)}`
    headers[`${prefix}-limit`] = String(want.cap)
    headers[`${prefix}-remaining`] = String(Math.max(0, Math.floor(want.cap - amount)))
    headers[`${prefix}-reset`] = secondOf(now + timeFor(amount, want))
  })
  return headers
}

/** RFC 3339, rounded up to a second: then the bucket is full. */
function secondOf(time: number): string {
  return new Date(Math.ceil(time / 1_000) * 1_000).toISOString().replace('.000', '')
}

/** Claude Code gives up at once when it is to wait longer. */
const LONGEST_WAIT = 60

function refusal(
  { metrics }: Runtime,
  wants: readonly Rate[],
  used: readonly number[],
  headers: Record<string, string>,
): GatewayError {
  const waits = wants.map((want, index) => waitFor(want, used[index] ?? 0))
  const longest = Math.max(...waits)
  const worst = wants[waits.indexOf(longest)]
  const [name, cap] = worst ? [labelOf(worst), worst.cap] : ['requests', 0]
  metrics.count('outcrop_limit_refusals_total', { limit: name })
  const seconds = Math.max(1, Math.ceil(longest / 1_000))
  return new GatewayError(
    'rate_limit_error',
    `This key has used its limit of ${cap} ${name} a minute. Try again in ${spoken(seconds)}.`,
    { retryAfter: Math.min(seconds, LONGEST_WAIT), headers },
  )
}

function spoken(seconds: number): string {
  if (seconds <= 2 * LONGEST_WAIT) return `${seconds} second${seconds === 1 ? '' : 's'}`
  return `${Math.ceil(seconds / 60)} minutes`
}
