/** The ledger as prices see it: what has none, and what is to be charged anew. Rows keep everything but their cost. */
import { and, asc, count, gt, gte, isNull, lt, max, min, ne, sql } from 'drizzle-orm'
import { idsSince } from '../protocol/ids.ts'
import type { Database } from './database.ts'
import type { SettledRow } from './rows.ts'
import { requests } from './tables/ledger.ts'

/** What a row's price depends on, and what it was charged. */
export type ChargedRow = Pick<SettledRow, keyof typeof CHARGED>

export interface Stretch {
  from: Date
  to: Date
  /** The id of the last row of the batch before. */
  after: string | undefined
  limit: number
}

export interface Batch {
  rows: ChargedRow[]
  /** Where the next batch begins; undefined where there is none. */
  next: string | undefined
}

export interface Correction {
  id: string
  /** What the row said: where it says something else by now, it stays. */
  was: number | null
  cost: number
}

/** Requests of one kind that no price was known for. */
export interface UnpricedGroup {
  provider: string
  modelId: string
  regionClass: string | null
  serviceTier: string | null
  requests: number
  tokens: number
  first: Date
  last: Date
}

export interface Repricing {
  /** Requests that are over and were not refused, oldest first. */
  batch(stretch: Stretch): Promise<Batch>
  /** Says how many rows were as expected, and are changed. */
  correct(corrections: readonly Correction[]): Promise<number>
  /** What has no price, the most tokens first. */
  unpriced(window: { from: Date; to: Date; limit: number }): Promise<UnpricedGroup[]>
}

const CHARGED = {
  id: requests.id,
  provider: requests.provider,
  modelId: requests.modelId,
  upstream: requests.upstream,
  region: requests.region,
  regionClass: requests.regionClass,
  serviceTier: requests.serviceTier,
  attempts: requests.attempts,
  inputTokens: requests.inputTokens,
  cacheReadTokens: requests.cacheReadTokens,
  cacheWrite5mTokens: requests.cacheWrite5mTokens,
  cacheWrite1hTokens: requests.cacheWrite1hTokens,
  outputTokens: requests.outputTokens,
  webSearches: requests.webSearches,
  costNano: requests.costNano,
  feeNano: requests.feeNano,
  startedAt: requests.startedAt,
}

/** A request has its id and its time within a moment; nothing is lost by looking further. */
const SLACK = 60_000

const isCharged = and(ne(requests.status, 'pending'), ne(requests.status, 'refused'))

const tokens = sql<number>`sum(${requests.inputTokens} + ${requests.cacheReadTokens} + ${requests.cacheWrite5mTokens} + ${requests.cacheWrite1hTokens} + ${requests.outputTokens})`

export function repricingIn(database: Database): Repricing {
  return {
    async batch({ from, to, after, limit }) {
      // By id alone, which sorts by time: where the planner knows little of the table, it would rather sort all that is
      // left of the stretch, each time. With a bound on one side only, it walks the key.
      const begin = after ?? idsSince('req', from.getTime() - SLACK)
      const end = idsSince('req', to.getTime() + SLACK)
      const found = await database
        .select(CHARGED)
        .from(requests)
        .where(and(isCharged, gt(requests.id, begin)))
        .orderBy(asc(requests.id))
        .limit(limit)
      const last = found.at(-1)
      const rows = found.filter(({ startedAt }) => startedAt >= from && startedAt < to)
      return { rows, next: last && found.length === limit && last.id < end ? last.id : undefined }
    },
    async correct(corrections) {
      if (corrections.length === 0) return 0
      const changed = await database.execute(
        sql`update requests set cost_nano = given.cost, written_at = now() from json_to_recordset(${JSON.stringify(corrections)}::text::json) as given (id text, was bigint, cost bigint) where requests.id = given.id and requests.cost_nano is not distinct from given.was returning requests.id`,
      )
      return rowsOf(changed)
    },
    async unpriced({ from, to, limit }) {
      const { provider, modelId, regionClass, serviceTier, startedAt } = requests
      const kind = { provider, modelId, regionClass, serviceTier }
      const groups = await database
        .select({ ...kind, requests: count(), tokens, first: min(startedAt), last: max(startedAt) })
        .from(requests)
        .where(and(isNull(requests.costNano), isCharged, gte(startedAt, from), lt(startedAt, to)))
        .groupBy(...Object.values(kind))
        .orderBy(sql`${tokens} desc`)
        .limit(limit)
      return groups.map((group) => ({
        ...group,
        tokens: Number(group.tokens),
        first: group.first ?? from,
        last: group.last ?? from,
      }))
    },
  }
}

/** Drivers differ in what they make of an answer. */
function rowsOf(answer: unknown): number {
  if (Array.isArray(answer)) return answer.length
  const { rows } = answer as { rows?: readonly unknown[] }
  return rows?.length ?? 0
}
