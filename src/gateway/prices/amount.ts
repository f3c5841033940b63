/**
 * What tokens come to. Money is integer nano-dollars; a rate is micro-dollars per million tokens, which is a pico-dollar
 * per token, so that every product is exact and only the sum is rounded.
 */
import type { Rates } from '../../data/prices.ts'
import type { Usage } from '../../protocol/messages.ts'
import type { Held, Price } from './book.ts'

/** Cache writes cost a multiple of input, in percent, where a price does not say what. */
const WRITE_5M = 125
const WRITE_1H = 200

/** In nano-dollars, half of one rounded up. */
export function amount(usages: readonly Usage[], holds: Held, multiplier: number): number {
  return plainAmount(usages, holds, multiplier) ?? exactAmount(usages, holds, multiplier)
}

/**
 * In doubles, where every figure on the way is a whole number that they hold exactly; else undefined. Nothing is taken
 * off, so that no figure was larger than the last. Nearly every call is of these.
 */
function plainAmount(usages: readonly Usage[], holds: Held, multiplier: number): number | undefined {
  const { price, regionPercent: region, tierPercent } = holds
  const percents = (region * tierPercent * multiplier) / 10_000
  if (!Number.isInteger(percents)) return undefined
  let hundredths = 0
  for (const usage of usages) {
    if (hasLess(usage)) return undefined
    hundredths += plainHundredths(usage, ratesFor(price, usage))
  }
  const product = hundredths * percents + UNIT / 2
  if (!(Number.isSafeInteger(hundredths) && product <= MOST)) return undefined
  return (product - (product % UNIT)) / UNIT
}

/** As `unit` below, less the ten thousand that the percents are divided by. */
const UNIT = 10_000_000
const MOST = Number.MAX_SAFE_INTEGER

/** Than nothing: see `apart`. */
function hasLess({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }: Usage): boolean {
  return input < 0 || output < 0 || cacheRead < 0 || cacheWrite5m < 0 || cacheWrite1h < 0
}

function plainHundredths(usage: Usage, { input, output, cacheRead, cacheWrite5m, cacheWrite1h }: Rates) {
  const five = cacheWrite5m === undefined ? WRITE_5M * input : 100 * cacheWrite5m
  const hour = cacheWrite1h === undefined ? WRITE_1H * input : 100 * cacheWrite1h
  return (
    100 * (usage.input * input + usage.output * output + usage.cacheRead * cacheRead) +
    usage.cacheWrite5m * five +
    usage.cacheWrite1h * hour
  )
}

/** The same whatever the figures. */
export function exactAmount(usages: readonly Usage[], holds: Held, multiplier: number): number {
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
  const five = cacheWrite5m === undefined ? BigInt(WRITE_5M) * BigInt(input) : 100n * BigInt(cacheWrite5m)
  const hour = cacheWrite1h === undefined ? BigInt(WRITE_1H) * BigInt(input) : 100n * BigInt(cacheWrite1h)
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
