/**
 * AWS's price list for Bedrock's marketplace models, as CSV: some lines about the file, then one line a model, region
 * and dimension. Only what is understood for certain is taken; a model of which something is missing is left out.
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */
import type { Rates } from '../../data/prices.ts'
import { type CsvRecord, fromCsv } from '../../protocol/csv.ts'
import { microsIn } from './dollars.ts'
import { ratesFrom } from './sheet.ts'

/** A price as AWS lists it. */
export interface Listed {
  model: string
  /** Empty is what others follow from: the global one. */
  regionClass: '' | 'geographic'
  rates: Rates
}

export interface PriceList {
  /** When AWS published it, as the file says. */
  published: string | null
  prices: Listed[]
  /** Models that are in the list and not in `prices`, and why. */
  skipped: { model: string; reason: string }[]
}

const HEADER = ['pricedescription', 'unit', 'priceperunit', 'currency', 'region code', 'servicename'] as const
type Column = (typeof HEADER)[number]

type Bucket = keyof Rates

/** AWS words it in two ways: `Input Tokens - Standard, Global` lately, `Million Input Tokens Global` before. */
const DIMENSIONS: readonly [RegExp, Bucket][] = [
  [/^(?:Input Tokens - Standard,|Million Input Tokens) (Global|Regional CRIS)$/, 'input'],
  [/^(?:Output Tokens - Standard,|Million Response Tokens) (Global|Regional CRIS)$/, 'output'],
  [/^(?:Cache Read Tokens - Standard,|Million Cache Read Input Tokens) (Global|Regional CRIS)$/, 'cacheRead'],
  [
    /^(?:Cache Write Tokens - Standard,|Million Cache Write Input Tokens) (Global|Regional CRIS)$/,
    'cacheWrite5m',
  ],
  [
    /^(?:Cache Write Tokens \(1h TTL\) - Standard,|Million 1 hour Cache Write Input Tokens) (Global|Regional CRIS)$/,
    'cacheWrite1h',
  ],
]

/** Of one model and region class, as far as it was read; a second figure for the same thing makes it nobody's price. */
interface Draft {
  model: string
  regionClass: Listed['regionClass']
  said: Map<Bucket, number>
  trouble: string | undefined
}

/**
 * @throws CsvError where it is no CSV.
 * @returns undefined where it is no price list.
 */
export function readPriceList(csv: string): PriceList | undefined {
  let published: string | null = null
  let columns: readonly string[] | undefined
  let region: string | undefined
  const drafts = new Map<string, Draft>()
  for (const record of fromCsv(csv)) {
    if (!columns) {
      if (record.fields[0] === 'Publication Date') published = record.fields[1] ?? null
      const names = record.fields.map((name) => name.trim().toLowerCase())
      if (HEADER.every((name) => names.includes(name))) columns = names
      continue
    }
    const cell = cellOf(columns, record)
    if (!isClaude(cell('servicename')) || cell('currency') !== 'USD') continue
    region ??= cell('region code')
    if (cell('region code') === region) note(drafts, cell)
  }
  return columns && { published, ...sorted([...drafts.values()]) }
}

type Cell = (name: Column) => string

function cellOf(columns: readonly string[], { fields }: CsvRecord): Cell {
  return (name) => fields[columns.indexOf(name)]?.trim() ?? ''
}

const EDITION = / \(Amazon Bedrock Edition\)$/

function isClaude(service: string): boolean {
  return service.startsWith('Claude ') && EDITION.test(service)
}

/** `Claude Opus 4.7 (Amazon Bedrock Edition)` is `claude-opus-4-7`. */
function modelOf(service: string): string {
  return service.replace(EDITION, '').toLowerCase().replaceAll(/[ .]/g, '-')
}

function note(drafts: Map<string, Draft>, cell: Cell) {
  const description = cell('pricedescription').split('|').at(-1)?.trim() ?? ''
  for (const [form, bucket] of DIMENSIONS) {
    const [, scope] = form.exec(description) ?? []
    if (scope === undefined) continue
    const regionClass = scope === 'Global' ? '' : 'geographic'
    const model = modelOf(cell('servicename'))
    const key = `${model}/${regionClass}`
    const draft = drafts.get(key) ?? { model, regionClass, said: new Map(), trouble: undefined }
    drafts.set(key, draft)
    take(draft, bucket, cell)
  }
}

/** A unit is a million tokens. */
const UNITS = /^(units|1M tokens)$/i

function take(draft: Draft, bucket: Bucket, cell: Cell) {
  const micros = microsIn(
    cell('priceperunit')
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, ''),
  )
  const before = draft.said.get(bucket)
  if (micros === undefined || !UNITS.test(cell('unit'))) draft.trouble ??= 'a price of it cannot be read'
  else if (before !== undefined && before !== micros) draft.trouble ??= 'it has two prices for the same thing'
  else draft.said.set(bucket, micros)
}

function sorted(drafts: readonly Draft[]): Pick<PriceList, 'prices' | 'skipped'> {
  const prices: Listed[] = []
  const skipped: PriceList['skipped'] = []
  for (const { model, regionClass, said, trouble } of drafts) {
    const [input, output, cacheRead] = [said.get('input'), said.get('output'), said.get('cacheRead')]
    if (trouble !== undefined) skipped.push({ model, reason: trouble })
    else if (input === undefined || output === undefined || cacheRead === undefined) {
      skipped.push({ model, reason: 'input, output or cache reads are missing' })
    } else {
      const writes = { cacheWrite5m: said.get('cacheWrite5m'), cacheWrite1h: said.get('cacheWrite1h') }
      prices.push({ model, regionClass, rates: ratesFrom(input, output, cacheRead, writes) })
    }
  }
  return { prices, skipped }
}
