/** The price book: which price holds for what ran, and what that comes to. */
import type { Rates } from '../../data/prices.ts'
import type { Usage } from '../../protocol/messages.ts'
import { generationOf, modelNamed } from '../../protocol/models.ts'
import { amount } from './amount.ts'
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
  const lately = new Map<string, { day: number; holds: Held | undefined }>()

  /** What holds does so for a day: nearly every question is one of the last ones. */
  function held(ran: Ran, at: number, tier = ''): Held | undefined {
    const day = Math.floor(at / DAY)
    const name = `${ran.provider}/${ran.regionClass}/${tier}/${ran.model}`
    const last = lately.get(name)
    if (last?.day === day) return last.holds
    const holds = find(ran, at, tier)
    if (lately.size >= MOST_LATELY) lately.clear()
    lately.set(name, { day, holds })
    return holds
  }

  function candidates(ran: Ran, at: number, tier = ''): Price[] {
    const day = dayOf(at)
    const holds = (price: Price) => price.from <= day && price.tier === tier && isFor(price, ran)
    return (byModel.get(ran.model) ?? []).filter(holds)
  }

  function find(ran: Ran, at: number, tier: string): Held | undefined {
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
      return holds && amount('input' in usage ? [usage] : usage, holds, multiplier)
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

const DAY = 86_400_000
/** Names of models come from callers. */
const MOST_LATELY = 200

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
