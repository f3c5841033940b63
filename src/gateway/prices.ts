/**
 * What Bedrock charges. Money is integer nano-dollars; a rate is micro-dollars per million tokens, which is a
 * pico-dollar per token, so that every product is exact and only the sum is rounded.
 * State of 2026-11-20; https://aws.amazon.com/bedrock/pricing/
 */
import { isBedrock, type Wire } from '../protocol/fields/target.ts'
import type { Usage } from '../protocol/messages.ts'
import type { Model } from '../protocol/models.ts'

/** Micro-dollars per million tokens, on a global inference profile. */
interface Rates {
  input: number
  output: number
  cacheRead: number
}

interface Price {
  model: string
  /** The first day it holds, UTC. A later row of the same model replaces it from its own day on. */
  from: string
  rates: Rates
  /** The whole request is charged at `rates` when its prompt, cached or not, has more tokens than `above`. */
  tier?: { above: number; rates: Rates }
}

const PRICES: readonly Price[] = [
  { model: 'claude-fable-5-2', from: '2026-11-09', rates: dollars(8, 40, 0.2) },
  { model: 'claude-fable-5-1', from: '2026-09-01', rates: dollars(10, 50, 0.25) },
  { model: 'claude-fable-5', from: '2026-06-09', rates: dollars(10, 50, 1) },
  { model: 'claude-opus-5-5', from: '2026-09-22', rates: dollars(4, 20, 0.2) },
  { model: 'claude-opus-5', from: '2026-07-24', rates: dollars(5, 25, 0.5) },
  { model: 'claude-opus-4-8', from: '2026-05-28', rates: dollars(5, 25, 0.5) },
  { model: 'claude-opus-4-7', from: '2026-04-16', rates: dollars(5, 25, 0.5) },
  { model: 'claude-opus-4-6', from: '2026-02-01', rates: dollars(5, 25, 0.5) },
  { model: 'claude-opus-4-5', from: '2025-11-01', rates: dollars(5, 25, 0.5) },
  { model: 'claude-opus-4-1', from: '2025-08-05', rates: dollars(15, 75, 1.5) },
  { model: 'claude-sonnet-5-5', from: '2026-09-28', rates: dollars(2, 10, 0.1) },
  { model: 'claude-sonnet-5', from: '2026-06-30', rates: dollars(2, 10, 0.2) },
  { model: 'claude-sonnet-4-6', from: '2026-02-01', rates: dollars(3, 15, 0.3) },
  { model: 'claude-sonnet-4-5', from: '2025-09-29', rates: dollars(3, 15, 0.3) },
  { model: 'claude-sonnet-4', from: '2025-05-14', rates: dollars(3, 15, 0.3) },
  {
    model: 'claude-haiku-5-5',
    from: '2026-10-07',
    rates: dollars(0.1, 0.5, 0.01),
    tier: { above: 100_000, rates: dollars(0.5, 2.5, 0.05) },
  },
  { model: 'claude-haiku-4-5', from: '2025-10-01', rates: dollars(1, 5, 0.1) },
]

/** As price lists put it, in dollars per million tokens. */
function dollars(input: number, output: number, cacheRead: number): Rates {
  const micro = (amount: number) => Math.round(amount * 1_000_000)
  return { input: micro(input), output: micro(output), cacheRead: micro(cacheRead) }
}

/** Cache writes cost a multiple of input, in percent. */
const WRITE_5M = 125n
const WRITE_1H = 200n

/**
 * One request's cost in nano-dollars; undefined where no price is known for that model on that day.
 * @param at when the request arrived, in milliseconds since 1970
 */
export function charge(
  usage: Usage,
  model: Model | undefined,
  regionClass: string,
  at: number,
): number | undefined {
  const price = model && priceOn(model.name, new Date(at).toISOString().slice(0, 10))
  if (!price) return undefined
  const { input, output, cacheRead } = ratesFor(price, usage)
  const perCent =
    100n * (of(usage.input, input) + of(usage.output, output) + of(usage.cacheRead, cacheRead)) +
    WRITE_5M * of(usage.cacheWrite5m, input) +
    WRITE_1H * of(usage.cacheWrite1h, input)
  // Twice a hundredth, and a thousand pico-dollars to a nano-dollar; half of that rounds up.
  const unit = 100n * 100n * 1000n
  return Number((perCent * regionPercent(model, regionClass) + unit / 2n) / unit)
}

/** What Anthropic charges for a search of its own: ten dollars a thousand. */
const SEARCH_FEE = 10_000_000

/** Nano-dollars for the web searches of an answer; `engineFee` is what one costs where an engine of ours answers it. */
export function searchFee(searches: number, wire: Wire, engineFee: number): number {
  return searches * (isBedrock(wire) ? engineFee : SEARCH_FEE)
}

function of(tokens: number, rate: number): bigint {
  return BigInt(tokens) * BigInt(rate)
}

function priceOn(model: string, day: string): Price | undefined {
  return PRICES.filter((price) => price.model === model && price.from <= day)
    .toSorted((a, b) => a.from.localeCompare(b.from))
    .at(-1)
}

function ratesFor({ rates, tier }: Price, usage: Usage): Rates {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h
  return tier && prompt > tier.above ? tier.rates : rates
}

/** Since 4.5 a request that stays in a geography or a region costs more than one that may run anywhere. */
function regionPercent(model: Model, regionClass: string): bigint {
  if (model.generation < 4.5 || regionClass === 'global') return 100n
  return regionClass === 'us-gov' ? 120n : 110n
}
