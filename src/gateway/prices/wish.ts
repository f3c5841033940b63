/** A price that somebody wants: checked, compared, and made a row of. */
import type { Rates, StoredPrice } from '../../data/prices.ts'
import { GatewayError } from '../../errors.ts'
import { newId } from '../../protocol/ids.ts'
import { splitProfile } from '../../protocol/models.ts'
import type { Runtime } from '../../runtime.ts'
import { MOST_PRICES, priceOf } from '../prices.ts'
import { dayOf, type Price } from './book.ts'
import { type Allowed, requirePlausible } from './plausible.ts'

export interface Wish {
  provider: string
  model: string
  regionClass: string
  tier: string
  /** Undefined is today. */
  from: string | undefined
  rates: Rates
  long: Price['long']
}

/** @throws GatewayError invalid_request_error where it names nothing that runs, or no price is like that. */
export function rowOf(wish: Wish, by: string | null, allowed: Allowed, now: number): StoredPrice {
  const { model, tier, from = dayOf(now) } = wish
  const profile = splitProfile(model)
  if (profile) {
    throw invalid(`model: Input should be a plain name such as claude-opus-5-5, not Bedrock's id '${model}'`)
  }
  if (!isDay(from)) throw invalid('from: Input should be a day such as 2026-11-20')
  const row: StoredPrice = {
    ...wish,
    // What answers say of the standard tier.
    tier: tier === 'standard' || tier === 'default' ? '' : tier,
    from,
    id: newId('price', now),
    source: 'admin',
    createdBy: by,
    createdAt: new Date(now),
    archivedAt: null,
  }
  requirePlausible(priceOf(row), allowed)
  return row
}

/** @throws GatewayError invalid_request_error where there are too many. */
export async function requireRoom({ data }: Runtime, more: number) {
  if ((await data.prices.countLive()) + more > MOST_PRICES) {
    throw invalid(
      `There may be ${MOST_PRICES} prices beside the shipped ones: archive some that no longer hold.`,
    )
  }
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && dayOf(time) === text
}

export function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
