/**
 * Prices as a sheet, one a line, for a spreadsheet and back. What was exported can be imported; a sheet goes in as a
 * whole or not at all.
 */
import type { Rates, StoredPrice } from '../../data/prices.ts'
import { GatewayError } from '../../errors.ts'
import { CsvError, type CsvRecord, fromCsv, toCsv } from '../../protocol/csv.ts'
import { dollarsOf, microsIn } from './dollars.ts'
import type { Allowed } from './plausible.ts'
import { invalid, rowOf, type Wish } from './wish.ts'

const NAMED = ['provider', 'model', 'region_class', 'tier', 'from'] as const
const RATES = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] as const
const USD = 'usd_per_million'
const COLUMNS = [
  ...NAMED,
  ...RATES.map((bucket) => `${bucket}_${USD}`),
  'long_above_tokens',
  ...RATES.map((bucket) => `long_${bucket}_${USD}`),
]
const REQUIRED = ['model', `input_${USD}`, `output_${USD}`, `cache_read_${USD}`]
const MOST_LINES = 2_000
const MOST_TROUBLES = 20

export function sheetOf(rows: readonly StoredPrice[]): string {
  return toCsv([COLUMNS, ...rows.map(lineOf)])
}

function lineOf({ provider, model, regionClass, tier, from, rates, long }: StoredPrice): (string | null)[] {
  const above = long ? String(long.above) : null
  return [provider, model, regionClass, tier, from, ...amounts(rates), above, ...amounts(long?.rates)]
}

function amounts(rates: Rates | undefined): (string | null)[] {
  const all = rates && [rates.input, rates.output, rates.cacheRead, rates.cacheWrite5m, rates.cacheWrite1h]
  return RATES.map((_, index) => {
    const amount = all?.[index]
    return amount === undefined ? null : dollarsOf(amount)
  })
}

/**
 * The rows of a sheet, none of them written yet.
 * @throws GatewayError invalid_request_error naming every line that is wrong, up to twenty.
 */
export function rowsIn(sheet: string, by: string | null, allowed: Allowed, now: number): StoredPrice[] {
  const [header, ...lines] = recordsOf(sheet)
  const columns = header?.fields.map((name) => name.trim().toLowerCase()) ?? []
  const missing = REQUIRED.filter((name) => !columns.includes(name))
  if (missing.length > 0) throw invalid(`line 1: the column ${missing[0]} is missing`)
  const unknown = columns.find((name) => !COLUMNS.includes(name))
  if (unknown !== undefined) throw invalid(`line 1: there is no column '${unknown.slice(0, 100)}'`)
  if (lines.length > MOST_LINES) throw invalid(`A sheet may have ${MOST_LINES} prices.`)
  const troubles: string[] = []
  const seen = new Map<string, number>()
  const rows = lines.flatMap((record) => {
    try {
      const row = rowOf(wishIn(columns, record), by, allowed, now)
      requireOnce(row, record.line, seen)
      return [row]
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      troubles.push(`line ${record.line}: ${error.message}`)
      return []
    }
  })
  if (troubles.length > 0) throw invalid(told(troubles))
  return rows
}

function requireOnce(row: StoredPrice, line: number, seen: Map<string, number>) {
  const { provider, model, regionClass, tier, from } = row
  const name = [provider, model, regionClass, tier, from].join('\n')
  const before = seen.get(name)
  if (before !== undefined) throw invalid(`it says the price of line ${before} a second time`)
  seen.set(name, line)
}

function told(troubles: readonly string[]): string {
  const more = troubles.length - MOST_TROUBLES
  const first = troubles.slice(0, MOST_TROUBLES).join('\n')
  return `Nothing was imported.\n${first}${more > 0 ? `\nand ${more} more` : ''}`
}

function recordsOf(sheet: string): CsvRecord[] {
  try {
    return [...fromCsv(sheet)]
  } catch (error) {
    if (error instanceof CsvError) throw invalid(error.message)
    throw error
  }
}

function wishIn(columns: readonly string[], { fields }: CsvRecord): Wish {
  if (fields.length !== columns.length) {
    throw invalid(`there are ${fields.length} fields, and ${columns.length} columns`)
  }
  const cell = (name: string) => fields[columns.indexOf(name)]?.trim() ?? ''
  const model = cell('model')
  if (model === '') throw invalid('model: Field required')
  const named = [cell('provider'), model, cell('region_class'), cell('tier')]
  if (named.some((text) => text.length > 400 || text.includes('\0')))
    throw invalid('a field is too long, or holds a NUL')
  return {
    provider: cell('provider'),
    model,
    regionClass: cell('region_class'),
    tier: cell('tier'),
    from: cell('from') || undefined,
    rates: ratesIn(cell, ''),
    long: longIn(cell),
  }
}

type Cell = (name: string) => string

function longIn(cell: Cell): Wish['long'] {
  const said = cell('long_above_tokens')
  if (said === '') return null
  const above = Number(said)
  if (!/^\d{1,9}$/.test(said)) throw invalid('long_above_tokens: Input should be a number of tokens')
  return { above, rates: ratesIn(cell, 'long_') }
}

function ratesIn(cell: Cell, prefix: string): Rates {
  const optional = (bucket: string): number | undefined => {
    const name = `${prefix}${bucket}_${USD}`
    const text = cell(name)
    if (text === '') return undefined
    const micros = microsIn(text)
    if (micros === undefined) throw invalid(`${name}: ${NOT_DOLLARS}`)
    return micros
  }
  const required = (bucket: string): number => {
    const micros = optional(bucket)
    if (micros === undefined) throw invalid(`${prefix}${bucket}_${USD}: Field required`)
    return micros
  }
  return ratesFrom(required('input'), required('output'), required('cache_read'), {
    cacheWrite5m: optional('cache_write_5m'),
    cacheWrite1h: optional('cache_write_1h'),
  })
}

export const NOT_DOLLARS =
  'Input should be dollars per million tokens, such as 4.00, with at most six decimals (a price per token has more)'

/** Writes that are not said follow from the input. */
export function ratesFrom(
  input: number,
  output: number,
  cacheRead: number,
  { cacheWrite5m, cacheWrite1h }: Record<'cacheWrite5m' | 'cacheWrite1h', number | undefined>,
): Rates {
  return {
    input,
    output,
    cacheRead,
    ...(cacheWrite5m === undefined ? {} : { cacheWrite5m }),
    ...(cacheWrite1h === undefined ? {} : { cacheWrite1h }),
  }
}
