/** Prices from AWS, where there is a way out and somebody asks for them: shown first, stored when that is wanted. */
import type { Rates, StoredPrice } from '../../data/prices.ts'
import { egress } from '../../egress.ts'
import { GatewayError } from '../../errors.ts'
import { CsvError } from '../../protocol/csv.ts'
import { newId } from '../../protocol/ids.ts'
import type { Runtime } from '../../runtime.ts'
import { freshPrices, priceOf } from '../prices.ts'
import { dayOf, type Price, type Prices, regionPercent } from './book.ts'
import { requirePlausible } from './plausible.ts'
import { type Listed, type PriceList, readPriceList } from './pricelist.ts'

const BOUNDS = { timeout: 30_000, maxBytes: 16_000_000 }

export interface Refresh {
  published: string | null
  /** What AWS says otherwise than what holds here, but for what an admin has said. */
  changes: { row: StoredPrice; before: Rates | null; overridden: boolean }[]
  unchanged: number
  skipped: PriceList['skipped']
}

/**
 * What AWS's list would change from today on.
 * @throws GatewayError api_error where it cannot be had, or is none.
 */
export async function refreshed(runtime: Runtime): Promise<Refresh> {
  const { published, prices, skipped } = await fetched(runtime)
  const book = await freshPrices(runtime)
  const refresh: Refresh = { published, changes: [], unchanged: 0, skipped: [...skipped] }
  for (const listed of prices) {
    const ran = {
      provider: 'bedrock',
      model: listed.model,
      regionClass: listed.regionClass === '' ? 'global' : 'us',
    }
    const candidates = book.candidates(ran, runtime.now())
    const before = candidates.find(({ source }) => source !== 'admin')
    const row = rowOf(listed, runtime.now())
    const doubt = doubtOf(row, before)
    if (isSame(listed, book, runtime.now())) refresh.unchanged++
    else if (doubt !== undefined) refresh.skipped.push({ model: listed.model, reason: doubt })
    else {
      const overridden = candidates[0]?.source === 'admin'
      refresh.changes.push({ row, before: before?.rates ?? null, overridden })
    }
  }
  return refresh
}

async function fetched(runtime: Runtime): Promise<PriceList> {
  const { priceList: url, egress: settings } = runtime.config
  const answer = await egress(url, { ...BOUNDS, trusted: settings.trusted }, runtime.egress).catch(
    (cause: unknown) => {
      const why = cause instanceof GatewayError ? ` ${cause.message}` : ''
      throw unavailable(`AWS's price list could not be had.${why} The prices stay as they are.`, cause)
    },
  )
  if (answer.status !== 200) throw unavailable(`AWS's price list answers with status ${answer.status}.`)
  const list = read(new TextDecoder().decode(answer.body))
  if (!list) throw unavailable('What is at PRICE_LIST_URL is not a price list.')
  return list
}

function read(csv: string): PriceList | undefined {
  try {
    return readPriceList(csv)
  } catch (error) {
    if (error instanceof CsvError) return undefined
    throw error
  }
}

function rowOf({ model, regionClass, rates }: Listed, now: number): StoredPrice {
  return {
    id: newId('price', now),
    provider: 'bedrock',
    model,
    regionClass,
    tier: '',
    from: dayOf(now),
    rates,
    long: null,
    source: 'aws',
    createdBy: null,
    createdAt: new Date(now),
    archivedAt: null,
  }
}

/** What the list does not say of prices for long prompts must not be lost. */
function doubtOf(row: StoredPrice, before: Price | undefined): string | undefined {
  if (before?.long)
    return 'it has a price for long prompts, which the list does not tell: set its price by hand'
  try {
    requirePlausible(priceOf(row), { confirm: false, free: false })
  } catch (error) {
    if (error instanceof GatewayError) return error.message
    throw error
  }
  return undefined
}

/** The same in every bucket: what follows from another price by itself needs no row. */
function isSame({ model, regionClass, rates }: Listed, book: Prices, now: number): boolean {
  const ran = { provider: 'bedrock', model, regionClass: regionClass === '' ? 'global' : 'us' }
  const price = book.candidates(ran, now).find(({ source }) => source !== 'admin')
  if (!price) return false
  const percent = regionPercent(price, ran)
  const [one, other] = [figures(rates), figures(price.rates)]
  return one.every((figure, index) => figure * 100 === (other[index] ?? 0) * percent)
}

function figures({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }: Rates): number[] {
  return [input, output, cacheRead, cacheWrite5m ?? input * 1.25, cacheWrite1h ?? input * 2]
}

function unavailable(sentence: string, cause?: unknown): GatewayError {
  return new GatewayError('api_error', sentence, { cause, status: 502, retry: false })
}
