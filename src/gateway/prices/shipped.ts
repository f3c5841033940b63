/**
 * The prices that this release ships: they hold with no network and no database. Dollars per million tokens on a global
 * inference profile; what other region classes, tiers and cache writes cost follows from them (see book.ts).
 * State of 2026-11-20; https://aws.amazon.com/bedrock/pricing/
 */
import type { Rates } from '../../data/prices.ts'
import type { Price } from './book.ts'

export const SHIPPED: readonly Price[] = [
  shipped('claude-fable-5-2', '2026-11-09', dollars(8, 40, 0.2)),
  shipped('claude-fable-5-1', '2026-09-01', dollars(10, 50, 0.25)),
  shipped('claude-fable-5', '2026-06-09', dollars(10, 50, 1)),
  shipped('claude-opus-5-5', '2026-09-22', dollars(4, 20, 0.2)),
  shipped('claude-opus-5', '2026-07-24', dollars(5, 25, 0.5)),
  shipped('claude-opus-4-8', '2026-05-28', dollars(5, 25, 0.5)),
  shipped('claude-opus-4-7', '2026-04-16', dollars(5, 25, 0.5)),
  shipped('claude-opus-4-6', '2026-02-01', dollars(5, 25, 0.5)),
  shipped('claude-opus-4-5', '2025-11-01', dollars(5, 25, 0.5)),
  shipped('claude-opus-4-1', '2025-08-05', dollars(15, 75, 1.5)),
  shipped('claude-sonnet-5-5', '2026-09-28', dollars(2, 10, 0.1)),
  shipped('claude-sonnet-5', '2026-06-30', dollars(2, 10, 0.2)),
  shipped('claude-sonnet-4-6', '2026-02-01', dollars(3, 15, 0.3)),
  shipped('claude-sonnet-4-5', '2025-09-29', dollars(3, 15, 0.3)),
  shipped('claude-sonnet-4', '2025-05-14', dollars(3, 15, 0.3)),
  shipped('claude-haiku-5-5', '2026-10-07', dollars(0.1, 0.5, 0.01), {
    above: 100_000,
    rates: dollars(0.5, 2.5, 0.05),
  }),
  shipped('claude-haiku-4-5', '2025-10-01', dollars(1, 5, 0.1)),
]

function shipped(model: string, from: string, rates: Rates, long: Price['long'] = null): Price {
  return { id: null, source: 'shipped', provider: '', model, regionClass: '', tier: '', from, rates, long }
}

function dollars(input: number, output: number, cacheRead: number): Rates {
  const micro = (amount: number) => Math.round(amount * 1_000_000)
  return { input: micro(input), output: micro(output), cacheRead: micro(cacheRead) }
}

/** What a service tier costs of the standard one, in percent, where that is published; others have to be told. */
export const TIER_PERCENT: Readonly<Record<string, number>> = { batch: 50 }

/** What Anthropic charges for a search of its own: ten dollars a thousand. In nano-dollars. */
export const SEARCH_FEE = 10_000_000
