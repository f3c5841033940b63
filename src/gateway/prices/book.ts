/**
 * The price book: which price holds for what ran, and what that comes to. Money is integer nano-dollars; a rate is
 * micro-dollars per million tokens, which is a pico-dollar per token, so that every product is exact and only the sum
 * is rounded.
 */
import type { Rates } from '../../data/prices.ts'
import type { Usage } from '../../protocol/messages.ts'
import { generationOf, modelNamed } from '../../protocol/models.ts'
import { SHIPPED, TIER_PERCENT } from './shipped.ts'

export interface Price {
  /** Null for those that the release ships. */
  id: string | null
  source: 'shipped' | 'aws' | 'admin'
  /** Empty is every provider. */
  provider: string
  model: string
  /**
   * `global`, `us`, `region` …, or `geographic` for all geographies: charged as it stands. Empty is the price on a
   * global profile, from which that of every other class follows.
   */
  regionClass: string
  /** The service tier; empty is the standard one. */
  tier: string
  /** The first day it holds, UTC. */
  from: string
  rates: Rates
  /** The whole request is charged at these rates when its prompt, cached or not, has more tokens than `above`. */
  long: { above: number; rates: Rates } | null
}

/** What ran, as far as its price depends on it. */
export interface Ran {
  provider: string
  /** Its plain name where it is known, else the provider's own id. */
  model: string
  regionClass: string
}

/** The price that holds, and what is put on it, in percent each. */
export interface Held {
  price: Price
  regionPercent: number
  tierPercent: number
}

export interface Prices {
  /** Percent of every price that is charged. */
  multiplier: number
  /** What the database says beside the shipped ones could not be had. */
  isShippedOnly: boolean
  /** @param at when the request arrived, in milliseconds since 1970 */
  held(ran: Ran, at: number, tier?: string): Held | undefined
  /** Every price that could hold, the one that does first. */
  candidates(ran: Ran, at: number, tier?: string): readonly Price[]
  /**
   * What a request cost, in nano-dollars; undefined where no price is known: never zero for want of one. Of several
   * calls upstream each is charged at the rates of its own length, and only their sum is rounded.
   */
  charge(usage: Usage | readonly Usage[], ran: Ran, at: number, tier?: string): number | undefined
  /** The same, and where no price is known, the most that a model of its family costs: for what is set aside. */
  ceiling(usage: Usage, ran: Ran, at: number): number
}

/** What a book may add to the shipped prices. */
export interface BookOptions {
  multiplier?: number
  isShippedOnly?: boolean
}

export function priceBook(stored: readonly Price[], options: BookOptions = {}): Prices {
  const { multiplier = 100, isShippedOnly = false } = options
  const known = [...stored, ...SHIPPED]
  const byModel = indexed(known)

  function candidates(ran: Ran, at: number, tier = ''): Price[] {
    const day = dayOf(at)
    const holds = (price: Price) => price.from <= day && price.tier === tier && isFor(price, ran)
    return (byModel.get(ran.model) ?? []).filter(holds)
  }

  function held(ran: Ran, at: number, tier = ''): Held | undefined {
    const [own] = candidates(ran, at, tier)
    if (own) return { price: own, regionPercent: regionPercent(own, ran), tierPercent: 100 }
    const tierPercent = TIER_PERCENT[tier]
    const [standard] = tierPercent === undefined ? [] : candidates(ran, at)
    return (
      standard && {
        price: standard,
        regionPercent: regionPercent(standard, ran),
        tierPercent: tierPercent ?? 100,
      }
    )
  }

  const book: Prices = {
    multiplier,
    isShippedOnly,
    held,
    candidates,
    charge(usage, ran, at, tier) {
      const holds = held(ran, at, tier)
      return holds && amount([usage].flat(), holds, multiplier)
    },
    ceiling(usage, ran, at) {
      const charged = book.charge(usage, ran, at)
      if (charged !== undefined) return charged
      const family = familyOf(ran.model)
      const kin = known.filter(({ model }) => family === undefined || familyOf(model) === family)
      const costs = (kin.length > 0 ? kin : known).map((price) => most(usage, price, multiplier))
      return Math.max(...costs)
    },
  }
  return book
}

function indexed(prices: readonly Price[]): Map<string, Price[]> {
  const index = new Map<string, Price[]>()
  for (const price of prices.toSorted(byRank)) {
    const list = index.get(price.model)
    if (list) list.push(price)
    else index.set(price.model, [price])
  }
  return index
}

const SOURCES = { admin: 2, aws: 1, shipped: 0 }

/** What an admin says stands above AWS's list, that above what is shipped; then the most specific; then the latest. */
function byRank(a: Price, b: Price): number {
  return (
    SOURCES[b.source] - SOURCES[a.source] ||
    specificity(b) - specificity(a) ||
    (a.from === b.from ? 0 : a.from < b.from ? 1 : -1) ||
    ((a.id ?? '') < (b.id ?? '') ? 1 : -1)
  )
}

function specificity({ provider, regionClass }: Price): number {
  const ofClass = regionClass === '' ? 0 : regionClass === 'geographic' ? 1 : 2
  return 2 * ofClass + (provider === '' ? 0 : 1)
}

function isFor({ provider, regionClass }: Price, ran: Ran): boolean {
  if (provider !== '' && provider !== ran.provider) return false
  if (regionClass === 'geographic') return !OF_THEIR_OWN.has(ran.regionClass)
  return regionClass === '' || regionClass === ran.regionClass
}

/** Region classes that are no geography, and the government's, which has prices of its own. */
const OF_THEIR_OWN: ReadonlySet<string> = new Set(['global', 'region', 'us-gov'])

/** Since 4.5 a request that stays in a geography or a region costs more than one that may run anywhere. */
export function regionPercent(price: Price, { model, regionClass }: Ran): number {
  if (price.regionClass !== '' || regionClass === 'global') return 100
  if (generationOf(modelNamed(model)) < 4.5) return 100
  return regionClass === 'us-gov' ? MOST_REGION_PERCENT : 110
}

const MOST_REGION_PERCENT = 120

/** Cache writes cost a multiple of input, in percent, where a price does not say what. */
const WRITE_5M = 125n
const WRITE_1H = 200n

function amount(usages: readonly Usage[], holds: Held, multiplier: number): number {
  const { price, regionPercent: region, tierPercent } = holds
  const percents = BigInt(region) * BigInt(tierPercent) * BigInt(multiplier)
  let hundredths = 0n
  for (const usage of usages) hundredths += inHundredths(usage, ratesFor(price, usage))
  // Four times a hundredth, and a thousand pico-dollars to a nano-dollar; half of that rounds up.
  const unit = 100n ** 4n * 1000n
  return Number((hundredths * percents + unit / 2n) / unit)
}

/** Hundredths of a pico-dollar. */
function inHundredths(usage: Usage, { input, output, cacheRead, cacheWrite5m, cacheWrite1h }: Rates): bigint {
  const read = of(usage.input, input) + of(usage.output, output) + of(usage.cacheRead, cacheRead)
  const five = cacheWrite5m === undefined ? WRITE_5M * BigInt(input) : 100n * BigInt(cacheWrite5m)
  const hour = cacheWrite1h === undefined ? WRITE_1H * BigInt(input) : 100n * BigInt(cacheWrite1h)
  return 100n * read + BigInt(usage.cacheWrite5m) * five + BigInt(usage.cacheWrite1h) * hour
}

function of(tokens: number, rate: number): bigint {
  return BigInt(tokens) * BigInt(rate)
}

/** The tier is chosen by the whole prompt, and holds for the whole request. */
function ratesFor({ rates, long }: Price, usage: Usage): Rates {
  return long && promptOf(usage) > long.above ? long.rates : rates
}

export function promptOf({ input, cacheRead, cacheWrite5m, cacheWrite1h }: Usage): number {
  return input + cacheRead + cacheWrite5m + cacheWrite1h
}

/** In the dearest of places, at the rates of its length. */
function most(usage: Usage, price: Price, multiplier: number): number {
  const region = price.regionClass === '' ? MOST_REGION_PERCENT : 100
  return amount([usage], { price, regionPercent: region, tierPercent: 100 }, multiplier)
}

export function familyOf(model: string): string | undefined {
  return /claude-(?:[\d-]+-)?(opus|sonnet|haiku|fable|mythos)/.exec(model)?.[1]
}

/** The day of a moment, UTC: prices begin to hold on one. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
