/** What a call costs: while it is under way, at the least; when it is over, to the nano-dollar. */
import type { LedgerRow } from '../data/rows.ts'
import { NO_USAGE, type Usage } from '../protocol/messages.ts'
import type { Route } from '../providers/provider.ts'
import type { Ending } from './meter.ts'
import type { Prices } from './prices/book.ts'
import { ranBy, searchFee } from './prices.ts'

interface Terms {
  route: Route
  prices: Prices
  /** When the request arrived. */
  at: number
}

/** What the ledger says of it. Undefined where no price is known. */
export type Charged = Pick<LedgerRow, 'costNano' | 'feeNano' | 'serviceTier'>

/** The input alone, at its full price. */
export function estimated(inputTokens: number, { route, prices, at }: Terms): number | undefined {
  const usage = { input: inputTokens, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0 }
  return prices.charge(usage, ranBy(route), at)
}

/** @param steps what had been spent when each call upstream after the first began */
export function settled(
  { usage, searches, tier }: Ending,
  steps: readonly Usage[],
  { route, prices, at, webSearchFee }: Terms & { webSearchFee: number },
): Charged {
  const feeNano = searchFee(searches, route.upstream.wire, webSearchFee)
  const spent = steps.length === 0 ? usage : apart(usage, steps)
  const tokens = prices.charge(spent, ranBy(route), at, tier)
  return {
    serviceTier: tier === '' ? null : tier,
    feeNano,
    costNano: tokens === undefined ? undefined : tokens + feeNano,
  }
}

/** What each call upstream spent of the whole. */
export function apart(whole: Usage, steps: readonly Usage[]): Usage[] {
  const totals = [NO_USAGE, ...steps, whole]
  return totals.slice(1).map((total, index) => less(total, totals[index] ?? NO_USAGE))
}

/** May be less than nothing, where a later figure corrects an earlier one: the sum is the whole. */
function less(total: Usage, before: Usage): Usage {
  return {
    input: total.input - before.input,
    cacheRead: total.cacheRead - before.cacheRead,
    cacheWrite5m: total.cacheWrite5m - before.cacheWrite5m,
    cacheWrite1h: total.cacheWrite1h - before.cacheWrite1h,
    output: total.output - before.output,
  }
}
