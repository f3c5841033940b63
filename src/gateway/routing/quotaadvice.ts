/**
 * What to make of how a bucket has stood: when it will be full, and whether to ask AWS for more, with the evidence that
 * such a request wants. Of the last hour, and of what this process has sent.
 */
import type { Quota } from '../../protocol/findings.ts'
import type { Holder } from './burndown.ts'
import type { Stand } from './headroom.ts'
import type { Minute } from './headroomminutes.ts'
import { figure } from './plainly.ts'

export interface Account {
  calls: number
  throttled: number
  /** Of all calls, 0 to 1. */
  throttledShare: number
  /** Calls that waited for room, for how many milliseconds together, and in how many minutes of the hour. */
  held: number
  heldMs: number
  minutesHeld: number
  /** The most that was taken of the bucket at once, and the most that was used in one minute. */
  peakTaken: number
  peakUsed: number
}

export interface Advice {
  /** As Service Quotas calls it. */
  name: string
  /** Undefined where the quotas could not be asked for. */
  code: string | undefined
  adjustable: boolean
  /** Tokens a minute to ask for. */
  atLeast: number
  /** In words that AWS Support can check. */
  evidence: string
}

export function accountOf(minutes: readonly Minute[]): Account {
  const sum = (of: (minute: Minute) => number) => minutes.reduce((total, minute) => total + of(minute), 0)
  const most = (of: (minute: Minute) => number) => Math.max(0, ...minutes.map(of))
  const calls = sum((minute) => minute.calls)
  const throttled = sum((minute) => minute.throttled)
  return {
    calls,
    throttled,
    throttledShare: calls === 0 ? 0 : Math.min(1, throttled / calls),
    held: sum((minute) => minute.held),
    heldMs: sum((minute) => minute.heldMs),
    minutesHeld: minutes.filter(({ held }) => held > 0).length,
    peakTaken: Math.round(most((minute) => minute.peak)),
    peakUsed: Math.round(most((minute) => minute.tokens)),
  }
}

/** A trend is not followed further, and not from fewer minutes. Minutes. */
const [FORESIGHT, LEAST_SEEN] = [240, 5]
const LENGTH = 60_000

/**
 * When the peaks of its minutes come to what it holds, if they go on as they have: milliseconds since 1970. Undefined
 * where they do not rise, or nobody knows what it holds.
 */
export function fullAt(
  { capacity, minutes }: Pick<Stand, 'capacity' | 'minutes'>,
  now: number,
): number | undefined {
  if (capacity === undefined || minutes.length < LEAST_SEEN) return undefined
  const mean = (of: (minute: Minute) => number) =>
    minutes.reduce((total, minute) => total + of(minute), 0) / minutes.length
  const [middle, level] = [mean(({ number }) => number), mean(({ peak }) => peak)]
  const spread = mean(({ number }) => (number - middle) ** 2)
  const slope = mean(({ number, peak }) => (number - middle) * (peak - level)) / spread
  const today = level + slope * (now / LENGTH - middle)
  if (today >= capacity) return now
  const left = (capacity - today) / slope
  return slope > 0 && left <= FORESIGHT ? Math.round(now + left * LENGTH) : undefined
}

/** So many minutes of an hour in which calls were held are worth asking for more. */
const MINUTES_HELD = 3
/** Beyond the highest that was seen: what is asked for is to last for a while. */
const MORE = 1.5
const ROUND = 100_000

/** Undefined where there is enough. */
export function adviceOn({ quota, capacity, holder, minutes }: Stand): Advice | undefined {
  const account = accountOf(minutes)
  if (holder.front === 'direct') return undefined // somebody else's quotas, by other names
  if (account.throttled === 0 && account.minutesHeld < MINUTES_HELD) return undefined
  const highest = Math.max(account.peakTaken, account.peakUsed, quota?.tokensPerMinute ?? capacity ?? 0)
  return {
    name: quota?.name ?? nameOf(holder),
    code: quota?.code,
    adjustable: quota?.adjustable ?? true,
    atLeast: Math.ceil((highest * MORE) / ROUND) * ROUND,
    evidence: evidenceOf(account, quota),
  }
}

/** By the pattern that the names of such quotas follow. */
function nameOf({ model, reach, front }: Holder): string {
  if (front === 'mantle') return `Bedrock Mantle tokens per minute for ${model}`
  const kind = { global: 'Global cross-Region', geography: 'Cross-Region', region: 'On-demand' }[reach]
  return `${kind} InvokeModel tokens per minute for ${model}`
}

function evidenceOf(account: Account, quota: Quota | undefined): string {
  const { calls, throttled, throttledShare, held, heldMs, minutesHeld, peakTaken, peakUsed } = account
  const peak = Math.max(peakTaken, peakUsed)
  const sentences = [
    `In the last hour ${figure(calls)} calls; ${figure(throttled)} were throttled (${(throttledShare * 100).toFixed(1)} %).`,
    `At the highest ${figure(peak)} tokens were taken at once, by input and max_tokens${
      quota ? `, of ${figure(quota.tokensPerMinute)} a minute` : ''
    }.`,
  ]
  if (held > 0) {
    const seconds = Math.round(heldMs / 1_000)
    sentences.push(
      `${figure(held)} calls waited for room, ${figure(seconds)} s together, in ${figure(minutesHeld)} of 60 minutes.`,
    )
  }
  return sentences.join(' ')
}
