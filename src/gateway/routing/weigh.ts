/**
 * Whether to wait for an upstream that has a session's cache, or to go to another one and write that cache anew. Both have
 * a price: the tokens are on the price list, and a minute in which a developer waits is worth what MINUTE says. Who does
 * not know how long a wait will be does best to wait until that has cost as much as going: it never costs more than
 * twice what it had to (ski rental, https://en.wikipedia.org/wiki/Ski_rental_problem).
 */
import { NO_USAGE, type Usage } from '../../protocol/messages.ts'
import type { Route } from '../../providers/provider.ts'
import type { Prices } from '../prices/book.ts'
import { ranBy } from '../prices.ts'
import type { Warm } from './warmth.ts'

/**
 * Nano-dollars for a minute of waiting: of a developer, about what one is paid; of a subagent, that others work meanwhile.
 */
export const MINUTE = { developer: 1_000_000_000, subagent: 250_000_000 } as const

export interface Weighing {
  /** What it costs to go, in nano-dollars. */
  rewriteNano: number
  /** How long it would have to wait yet, as far as is known, and has waited, in milliseconds. */
  waitMs: number
  waitedMs: number
  /** How much longer the client may be kept waiting at all. */
  patienceMs: number
  minuteNano: number
}

/** As long as going costs more than all the waiting would. */
export function weigh({ rewriteNano, waitMs, waitedMs, patienceMs, minuteNano }: Weighing): 'hold' | 'move' {
  if (waitMs > patienceMs) return 'move'
  return waitedMs + waitMs <= worthWaiting(rewriteNano, minuteNano) ? 'hold' : 'move'
}

/** The milliseconds of waiting that cost as much. */
export function worthWaiting(nano: number, minuteNano: number): number {
  return (nano / minuteNano) * 60_000
}

export interface Move {
  from: Route
  to: Route
  /** What is cached at either. */
  left: Warm
  there: Warm | undefined
  /** When the call began. */
  at: number
}

/** What it costs more, in nano-dollars, to run over there than here: above all the cache that has to be written there. */
export function rewriting(prices: Prices, { from, to, left, there, at }: Move): number {
  const read = Math.min(left.tokens, there?.tokens ?? 0)
  const stays = prices.ceiling({ ...NO_USAGE, cacheRead: left.tokens }, ranBy(from), at)
  const goes = prices.ceiling(writing(left, read), ranBy(to), at)
  return Math.max(0, goes - stays)
}

function writing({ tokens, isLong }: Warm, read: number): Usage {
  const written = tokens - read
  return { ...NO_USAGE, cacheRead: read, ...(isLong ? { cacheWrite1h: written } : { cacheWrite5m: written }) }
}
