/**
 * Prices as they hold here: those of the release, and over them what admins and AWS's list say. Kept in the cache as a
 * whole, so that no request asks the database for a price.
 */
import type { StoredPrice } from '../data/prices.ts'
import { GatewayError } from '../errors.ts'
import { isBedrock, type Wire } from '../protocol/fields/target.ts'
import { nameOfRun } from '../protocol/models.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { type Price, type Prices, priceBook, type Ran } from './prices/book.ts'
import { SEARCH_FEE } from './prices/shipped.ts'

/** How many there may be beside the shipped ones: they are held in memory, all of them. */
export const MOST_PRICES = 5_000

/** How long a price that was changed elsewhere may be unknown here. */
const RENEW = 60_000
/** Yesterday's prices are better than none, and than those of the release. */
const GRACE = 7 * 86_400_000
/** Where there never were any: how soon to ask again. */
const PAUSE = 2_000
const CACHE_KEY = 'prices'

interface Terms {
  book: Prices
  unpriced: 'allow' | 'block'
}

/**
 * The prices that hold now. Without a database that ever answered they are the shipped ones, which says so: what is
 * charged by them meanwhile can be recomputed.
 */
export async function pricesOf(runtime: Runtime): Promise<Prices> {
  return (await termsOf(runtime)).book
}

/**
 * The same as the database has them at this moment, for what is shown to admins and written by them: another replica may
 * just have changed one. Rejects where it does not answer.
 */
export async function freshPrices(runtime: Runtime): Promise<Prices> {
  return (await load(runtime)).book
}

/** They were changed: this process at least acts on it at once. */
export function forgetPrices(runtime: Runtime) {
  runtime.cache.forget(CACHE_KEY)
}

/**
 * The prices that a call is charged by, from its start to its end.
 * @throws GatewayError policy_blocked where a route has no price and the organisation wants none such; api_error while
 *   nobody can tell.
 */
export async function pricesFor(
  runtime: Runtime,
  routes: readonly Route[],
  startedAt: number,
): Promise<Prices> {
  const { book, unpriced } = runtime.cache.known<Terms>(CACHE_KEY) ?? (await termsOf(runtime))
  const without = routes.find((route) => !book.held(ranBy(route), startedAt))
  if (!without) return book
  if (book.isShippedOnly) {
    throw new GatewayError(
      'api_error',
      'The gateway cannot look up the price of this model just now: its database does not answer.',
      { status: 503, retryAfter: 5 },
    )
  }
  if (unpriced === 'block') {
    const name = ranBy(without).model.slice(0, 200)
    throw new GatewayError(
      'policy_blocked',
      `No price is known here for the model '${name}', and this gateway does not serve what it cannot price. An ` +
        'admin can set its price (POST /admin/prices) or allow unpriced use (unpriced: allow, of the organisation).',
    )
  }
  return book
}

/** What a route runs, for its price. */
export function ranBy(route: Route): Ran {
  return { provider: route.upstream.provider, model: nameOfRun(route), regionClass: route.regionClass }
}

/** Nano-dollars for the web searches of an answer; `engineFee` is what one costs where an engine of ours answers it. */
export function searchFee(searches: number, wire: Wire, engineFee: number): number {
  return searches * (isBedrock(wire) ? engineFee : SEARCH_FEE)
}

function termsOf(runtime: Runtime): Promise<Terms> {
  const { cache, log } = runtime
  return cache
    .remember(CACHE_KEY, async () => ({ value: await load(runtime), ttl: RENEW, grace: GRACE }))
    .catch(() => {
      log('error', 'prices could not be read: the shipped ones are charged')
      // Kept for a moment, so that requests do not each wait for a database that is away.
      const value: Terms = { book: priceBook([], { isShippedOnly: true }), unpriced: 'allow' }
      return cache.remember(CACHE_KEY, async () => ({ value, ttl: PAUSE }))
    })
}

async function load({ data }: Runtime): Promise<Terms> {
  const [rows, organisation] = await Promise.all([
    data.prices.live(MOST_PRICES),
    data.settings.get('organisation'),
  ])
  const { multiplier, unpriced } = (organisation ?? {}) as { multiplier?: unknown; unpriced?: unknown }
  return {
    book: priceBook(rows.map(priceOf), {
      multiplier: Number.isInteger(multiplier) && Number(multiplier) >= 0 ? Number(multiplier) : 100,
    }),
    unpriced: unpriced === 'block' ? 'block' : 'allow',
  }
}

export function priceOf({
  id,
  source,
  provider,
  model,
  regionClass,
  tier,
  from,
  rates,
  long,
}: StoredPrice): Price {
  return { id, source, provider, model, regionClass, tier, from, rates, long }
}
