/**
 * Is this a price that somebody charges? A figure per token where one per million was meant, or the other way round,
 * would block people or let them spend without end. Nothing is doubted without an example of what it would come to.
 */
import type { Rates } from '../../data/prices.ts'
import { GatewayError } from '../../errors.ts'
import { NO_USAGE, type Usage } from '../../protocol/messages.ts'
import { familyOf, type Price, priceBook, type Ran } from './book.ts'
import { dollarsOf, dollarsOfNano } from './dollars.ts'
import { SHIPPED } from './shipped.ts'

export interface Allowed {
  /** Whoever sets it has seen the example, and means it. */
  confirm: boolean
  /** It may cost nothing. */
  free: boolean
}

/** So far from what its kin costs no price has been. */
const FACTOR = 10
/** Micro-dollars per million tokens: a hundred thousand dollars. */
const MOST = 100_000_000_000
const EXAMPLE: Usage = { ...NO_USAGE, input: 100_000, output: 1_000 }
const NAMES = {
  input: 'input',
  output: 'output',
  cacheRead: 'cache reads',
  cacheWrite5m: '5-minute cache writes',
  cacheWrite1h: '1-hour cache writes',
} satisfies Record<keyof Rates, string>

/**
 * @throws GatewayError invalid_request_error for what no price can be, for nothing where `free` is not said, and for
 *   what is unusual where `confirm` is not.
 */
export function requirePlausible(price: Price, { confirm, free }: Allowed) {
  const rates = ratesOf(price)
  requireFigures(rates)
  const wrong = rates.flatMap((each) => [...impossible(each, free)]).at(0)
  if (wrong !== undefined) throw implausible(`${wrong} ${exampleOf(price)}`)
  const doubt = [...rates.flatMap((each) => [...oddities(each)]), ...strange(price)].at(0)
  if (doubt !== undefined && !confirm) {
    throw implausible(
      `${doubt} ${exampleOf(price)} Prices are dollars per million tokens; say confirm: true if this one is meant.`,
    )
  }
}

/** What a request of a usual size costs at this price, and at the shipped one, in a sentence. */
export function exampleOf(price: Price, place: Place = price): string {
  const said = costAt(price, place)
  const [shipped] = kinOf(price.model)
  const instead = shipped && ` With the shipped price of ${shipped.model} it costs ${costAt(shipped, place)}.`
  return `At this price a request of 100,000 input and 1,000 output tokens costs ${said}.${instead ?? ''}`
}

type Place = Pick<Price, 'provider' | 'regionClass'>

function costAt(price: Price, place: Place): string {
  const ran: Ran = {
    provider: place.provider,
    model: price.model,
    regionClass: place.regionClass === 'geographic' ? 'us' : place.regionClass || 'global',
  }
  const always = { ...price, from: '', tier: '', source: 'admin', id: '~' } as const
  return dollarsOfNano(priceBook([always]).charge(EXAMPLE, ran, 0) ?? 0)
}

/** Shipped prices of the same model, else of its family, the newest first. */
function kinOf(model: string): readonly Price[] {
  const same = SHIPPED.filter((each) => each.model === model)
  if (same.length > 0) return same
  const family = familyOf(model)
  return family === undefined ? [] : SHIPPED.filter((each) => familyOf(each.model) === family)
}

function ratesOf({ rates, long }: Price): Rates[] {
  return long ? [rates, long.rates] : [rates]
}

function requireFigures(rates: readonly Rates[]) {
  for (const [bucket, rate] of rates.flatMap(entries)) {
    if (!Number.isSafeInteger(rate) || rate < 0) {
      throw implausible(`The price of ${NAMES[bucket]} cannot be ${rate} micro-dollars a million tokens.`)
    }
  }
}

function* impossible(rates: Rates, free: boolean): Generator<string> {
  for (const [bucket, rate] of entries(rates)) {
    if (rate > MOST)
      yield `The price of ${NAMES[bucket]}, $${dollarsOf(rate)} a million tokens, is out of reach.`
    if (rate === 0 && !free) {
      yield `The price of ${NAMES[bucket]} is nothing; say free: true if it really costs nothing.`
    }
  }
}

function* oddities({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }: Rates): Generator<string> {
  if (cacheRead > input) yield 'Reading from the cache costs more than input.'
  if (output < input) yield 'Output costs less than input.'
  if (cacheWrite5m !== undefined && cacheWrite5m < input) yield '5-minute cache writes cost less than input.'
  if (cacheWrite1h !== undefined && cacheWrite1h < (cacheWrite5m ?? input)) {
    yield '1-hour cache writes cost less than 5-minute ones.'
  }
}

function* strange({ model, rates, long }: Price): Generator<string> {
  if (long && long.rates.input < rates.input) yield 'Long prompts cost less than short ones.'
  const kin = kinOf(model)
  const known = (kin.length > 0 ? kin : SHIPPED).flatMap(ratesOf)
  for (const [bucket, rate] of entries(rates)) {
    const others = known.map((each) => each[bucket] ?? each.input)
    const [least, most] = [Math.min(...others), Math.max(...others)]
    const far = `far from what such models cost ($${dollarsOf(least)} to $${dollarsOf(most)})`
    if (rate === 0 || (rate * FACTOR >= least && rate <= most * FACTOR)) continue
    yield `The price of ${NAMES[bucket]}, $${dollarsOf(rate)} a million tokens, is ${far}.${unitOf(rate, most)}`
  }
}

/** Which unit would explain it. */
function unitOf(rate: number, usual: number): string {
  const isNear = (factor: number) => rate * factor * 5 >= usual && rate * factor <= usual * 5
  if (isNear(1_000_000)) return ' It looks like a price per token.'
  return isNear(1_000) ? ' It looks like a price per thousand tokens.' : ''
}

function entries(rates: Rates): [keyof Rates, number][] {
  return (Object.keys(NAMES) as (keyof Rates)[]).flatMap((bucket) => {
    const rate = rates[bucket]
    return rate === undefined ? [] : [[bucket, rate] as [keyof Rates, number]]
  })
}

function implausible(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
