/** The ledger as prices see it: what has none, and what is to be charged anew. Rows keep everything but their cost. */
import { and, asc, count, gte, isNull, lt, max, min, ne, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import type { SettledRow } from './rows.ts'
import { requests } from './tables/ledger.ts'

/** What a row's price depends on, and what it was charged. */
export type ChargedRow = Pick<SettledRow, keyof typeof CHARGED>

/** The last row of a batch: the next one begins behind it. */
export interface Place {
  startedAt: Date
  id: string
}

export interface Stretch {
  from: Date
  to: Date
  after?: Place | undefined
  limit: number
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
  batch(stretch: Stretch): Promise<ChargedRow[]>
  /** Says how many rows were as expected, and are changed. */
  correct(corrections: readonly Correction[]): Promise<number>
  /** What has no price, the most tokens first. */
  unpriced(window: { from: Date; to: Date; limit: number }): Promise<UnpricedGroup[]>
}

const CHARGED = {
  id: requests.id,
  provider: requests.provider,
  modelId: requests.modelId,
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

const isCharged = and(ne(requests.status, 'pending'), ne(requests.status, 'refused'))

const tokens = sql<number>`sum(${requests.inputTokens} + ${requests.cacheReadTokens} + ${requests.cacheWrite5mTokens} + ${requests.cacheWrite1hTokens} + ${requests.outputTokens})`

export function repricingIn(database: Database): Repricing {
  return {
    batch: ({ from, to, after, limit }) =>
      database
        .select(CHARGED)
        .from(requests)
        .where(
          and(
            isCharged,
            gte(requests.startedAt, after?.startedAt ?? from),
            lt(requests.startedAt, to),
            behind(after),
          ),
        )
        .orderBy(asc(requests.startedAt), asc(requests.id))
        .limit(limit),
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

/** A millisecond may have many rows. */
function behind(after: Place | undefined): SQL | undefined {
  if (!after) return undefined
  const { startedAt, id } = requests
  return sql`(${startedAt}, ${id}) > (${after.startedAt.toISOString()}::timestamptz, ${after.id})`
}

/** Drivers differ in what they make of an answer. */
function rowsOf(answer: unknown): number {
  if (Array.isArray(answer)) return answer.length
  const { rows } = answer as { rows?: readonly unknown[] }
  return rows?.length ?? 0
}
