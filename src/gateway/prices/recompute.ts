/**
 * What a stretch of the ledger would cost by the prices that hold now, and what that changes. Rows are read and written
 * in batches, each charged by the one function that charged them first; one that changed meanwhile stays as it is.
 */
import type { ChargedRow, Correction } from '../../data/repricing.ts'
import type { Usage } from '../../protocol/messages.ts'
import { nameOfRun } from '../../protocol/models.ts'
import type { Runtime } from '../../runtime.ts'
import { freshPrices } from '../prices.ts'
import { modelOfRow } from '../resolve.ts'
import { configured, upstreamFor } from '../routing/upstreams.ts'
import { promptOf } from './amount.ts'
import type { Prices, Ran } from './book.ts'
import { SEARCH_FEE } from './shipped.ts'

export interface Window {
  from: Date
  to: Date
  /** Where the part before ended. */
  after: string | undefined
  apply: boolean
}

/** Of one model: sums of nano-dollars, what was unknown counted as nothing. */
export interface Difference {
  model: string
  rows: number
  /** Rows that come to something else, and rows that get their first price. */
  changed: number
  wereUnpriced: number
  /** Rows that stay as they are, for want of a price or because nobody knows how long each of their calls was. */
  kept: number
  oldNano: number
  newNano: number
}

export interface Recomputed {
  models: Difference[]
  /** How many rows were written. */
  written: number
  /** Where to go on; undefined where the end was reached. */
  next: string | undefined
}

const BATCH = 2_000
/** One answer should not take longer than people wait, nor a Worker have time for. */
const PATIENCE = 10_000
const MOST_ROWS = 200_000

export async function recompute(runtime: Runtime, { from, to, after, apply }: Window): Promise<Recomputed> {
  const { data } = runtime
  const book = await freshPrices(runtime)
  const models = new Map<string, Difference>()
  const until = runtime.now() + PATIENCE
  const lookUp = ranOf(runtime)
  let written = 0
  let next = after
  for (let rows = 0; rows < MOST_ROWS && runtime.now() < until; rows += BATCH) {
    const batch = await data.repricing.batch({ from, to, after: next, limit: BATCH })
    const corrections: Correction[] = []
    for (const row of batch.rows) {
      const ran = await lookUp(row)
      const correction = compare(row, ran, book, differenceOf(models, ran.model), runtime.config.webSearchFee)
      if (correction) corrections.push(correction)
    }
    if (apply) written += await data.repricing.correct(corrections)
    next = batch.next
    if (next === undefined) break
  }
  return { models: [...models.values()], written, next }
}

/** What rows ran: rows are many, and of few kinds. */
function ranOf(runtime: Runtime): (row: ChargedRow) => Promise<Ran> {
  const upstreams = configured(runtime)
  const known = new Map<string, Promise<Ran>>()

  async function look(row: ChargedRow): Promise<Ran> {
    const place = (await upstreams).find(({ id }) => id === row.upstream)
    const upstream = place && row.modelId.startsWith('arn:') ? upstreamFor(place) : undefined
    const { model, regionClass } = await modelOfRow(runtime, row, upstream)
    return { provider: row.provider, model: nameOfRun({ ...row, model }), regionClass }
  }

  return (row) => {
    const kind = [row.provider, row.modelId, row.region, row.regionClass].join(' ')
    const found = known.get(kind) ?? look(row)
    known.set(kind, found)
    return found
  }
}

function compare(
  row: ChargedRow,
  ran: Ran,
  book: Prices,
  difference: Difference,
  engineFee: number,
): Correction | undefined {
  const { id, costNano: was } = row
  const cost = costOf(row, ran, book, engineFee)
  difference.rows++
  difference.oldNano += was ?? 0
  difference.newNano += cost ?? was ?? 0
  if (cost === undefined) difference.kept++
  if (cost === undefined || cost === was) return undefined
  difference.changed++
  if (was === null) difference.wereUnpriced++
  return { id, was, cost }
}

/** Undefined where it is not to be known. */
function costOf(row: ChargedRow, ran: Ran, book: Prices, engineFee: number): number | undefined {
  const at = row.startedAt.getTime()
  const tier = row.serviceTier ?? ''
  const usage: Usage = {
    input: row.inputTokens,
    cacheRead: row.cacheReadTokens,
    cacheWrite5m: row.cacheWrite5mTokens,
    cacheWrite1h: row.cacheWrite1hTokens,
    output: row.outputTokens,
  }
  const long = book.held(ran, at, tier)?.price.long
  if (long && row.attempts > 1 && promptOf(usage) > long.above) return undefined
  const tokens = book.charge(usage, ran, at, tier)
  if (tokens === undefined) return undefined
  return tokens + (row.feeNano ?? row.webSearches * (row.provider === 'bedrock' ? engineFee : SEARCH_FEE))
}

function differenceOf(models: Map<string, Difference>, model: string): Difference {
  const known = models.get(model)
  if (known) return known
  const fresh: Difference = {
    model,
    rows: 0,
    changed: 0,
    wereUnpriced: 0,
    kept: 0,
    oldNano: 0,
    newNano: 0,
  }
  models.set(model, fresh)
  return fresh
}
