/** Prices as the admin API shows and takes them: dollars per million tokens, as decimal text, so that none is rounded. */
import { z } from '@hono/zod-openapi'
import type { Rates, StoredPrice } from '../../data/prices.ts'
import type { Price, Prices, Ran } from '../../gateway/prices/book.ts'
import { dollarsOf, microsIn } from '../../gateway/prices/dollars.ts'
import { exampleOf } from '../../gateway/prices/plausible.ts'
import { NOT_DOLLARS, ratesFrom } from '../../gateway/prices/sheet.ts'
import type { Wish } from '../../gateway/prices/wish.ts'
import { priceOf } from '../../gateway/prices.ts'
import { text } from './resource.ts'

const amount = z.string().describe('Dollars per million tokens, such as 4.00.')

const rates = z.object({
  input: amount,
  output: amount,
  cache_read: amount,
  cache_write_5m: amount,
  cache_write_1h: amount,
})

const long = z.object({
  above_tokens: z.int().describe('A request whose prompt, cached or not, has more is charged so as a whole.'),
  usd_per_million: rates,
})

const said = {
  provider: z.string().nullable().describe('Null is every provider.'),
  model: z.string(),
  region_class: z
    .string()
    .nullable()
    .describe(
      'global, region, us …, or geographic for all geographies: charged as it stands. Null is the price on a global ' +
        'profile, from which the others follow.',
    ),
  tier: z.string().describe('The service tier.'),
  from: z.string().describe('The first day it holds, UTC.'),
  usd_per_million: rates,
  long: long.nullable(),
}

export const priceView = z
  .object({
    id: z.string(),
    ...said,
    source: z.enum(['admin', 'aws']),
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
    archived_at: z.iso.datetime().nullable(),
    example: z.string().describe('What a request of a usual size costs, in a sentence.'),
  })
  .openapi('Price')

export const effectiveView = z
  .object({
    ...said,
    id: z.string().nullable().describe('Null for a price that the release ships.'),
    source: z.enum(['shipped', 'aws', 'admin']),
    region_percent: z.int().describe('What the region class makes of it, in percent.'),
    multiplier_percent: z.int().describe("The organisation's."),
    over: z
      .array(z.object({ id: z.string().nullable(), source: z.string(), from: z.string() }))
      .describe('Prices that would hold without this one.'),
    example: z.string(),
  })
  .openapi('EffectivePrice')

/** Decimal text, or a number as JSON has it. */
const typed = z
  .union([z.string().max(30), z.number()])
  .transform((value, context) => {
    const micros = microsIn(String(value))
    if (micros === undefined) context.addIssue({ code: 'custom', message: NOT_DOLLARS })
    return micros ?? 0
  })
  .openapi({ type: 'string', description: 'Dollars per million tokens, such as "4.00".' })

const wishedRates = z
  .strictObject({
    input: typed,
    output: typed,
    cache_read: typed,
    cache_write_5m: typed.optional().describe('1.25 times the input unless said.'),
    cache_write_1h: typed.optional().describe('Twice the input unless said.'),
  })
  .transform(({ input, output, cache_read, cache_write_5m, cache_write_1h }) =>
    ratesFrom(input, output, cache_read, { cacheWrite5m: cache_write_5m, cacheWrite1h: cache_write_1h }),
  )

export const allowed = {
  confirm: z.boolean().default(false).describe('It is unusual, and meant.'),
  free: z.boolean().default(false).describe('It may cost nothing.'),
}

export const priceWish = z.strictObject({
  provider: z.enum(['bedrock', 'anthropic', 'vertex']).nullable().optional(),
  model: text(400).trim().min(1).describe('A plain name such as claude-opus-5-5, or an ARN.'),
  region_class: z
    .string()
    .regex(/^[a-z]+(-[a-z]+)?$/)
    .max(40)
    .nullable()
    .optional(),
  tier: z
    .string()
    .regex(/^[a-z_]+$/)
    .max(40)
    .default('standard'),
  from: z.iso.date().optional().describe('Today unless said.'),
  usd_per_million: wishedRates,
  long: z
    .strictObject({ above_tokens: z.int().min(1).max(100_000_000), usd_per_million: wishedRates })
    .nullable()
    .optional(),
  ...allowed,
})

export function wishOf({
  provider,
  model,
  region_class,
  tier,
  from,
  usd_per_million,
  long: more,
}: z.infer<typeof priceWish>): Wish {
  return {
    provider: provider ?? '',
    model,
    regionClass: region_class ?? '',
    tier,
    from,
    rates: usd_per_million,
    long: more ? { above: more.above_tokens, rates: more.usd_per_million } : null,
  }
}

export function priceViewOf(row: StoredPrice): z.infer<typeof priceView> {
  const { id, source, createdBy, createdAt, archivedAt } = row
  return {
    id,
    ...saidBy(priceOf(row)),
    source,
    created_by: createdBy,
    created_at: createdAt.toISOString(),
    archived_at: archivedAt?.toISOString() ?? null,
    example: exampleOf(priceOf(row)),
  }
}

/** Undefined where no price holds. */
export function effectiveViewOf(
  book: Prices,
  ran: Ran,
  at: number,
): z.infer<typeof effectiveView> | undefined {
  const holds = book.held(ran, at)
  if (!holds) return undefined
  const { price, regionPercent } = holds
  const [, ...over] = book.candidates(ran, at)
  return {
    ...saidBy(price),
    id: price.id,
    source: price.source,
    region_percent: regionPercent,
    multiplier_percent: book.multiplier,
    over: over.map(({ id, source, from }) => ({ id, source, from })),
    example: exampleOf(price, ran),
  }
}

function saidBy(price: Price) {
  const { provider, model, regionClass, tier, from } = price
  return {
    provider: provider || null,
    model,
    region_class: regionClass || null,
    tier: tier || 'standard',
    from,
    usd_per_million: ratesView(price.rates),
    long: price.long && { above_tokens: price.long.above, usd_per_million: ratesView(price.long.rates) },
  }
}

export function ratesView({
  input,
  output,
  cacheRead,
  cacheWrite5m,
  cacheWrite1h,
}: Rates): z.infer<typeof rates> {
  return {
    input: dollarsOf(input),
    output: dollarsOf(output),
    cache_read: dollarsOf(cacheRead),
    cache_write_5m: dollarsOf(cacheWrite5m ?? Math.round(input * 1.25)),
    cache_write_1h: dollarsOf(cacheWrite1h ?? input * 2),
  }
}

export const ratesShown = rates
