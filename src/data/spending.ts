/**
 * What has been spent so far: of the hours in which nothing was written since they were derived, as those say; of the
 * others, and of the hour that a span begins in, row by row. Exact to what is written, requests under way at what they
 * cost at the least.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type Database, rowsOf } from './database.ts'
import { DAY, DERIVED_UP_TO, MODEL, staleHours } from './hours.ts'
import { like } from './patterns.ts'

export interface Spent {
  teamId?: string | undefined
  userId?: string | undefined
  keyId?: string | undefined
  /** A pattern of names of models as they ran, `*` for any run of characters. */
  model?: string | undefined
  /** Both included, as in `2026-11-20`. */
  days?: { from: string; to: string } | undefined
  /** Requests begun at that moment or later. */
  since?: Date | undefined
  /** Leaves out what began then or later and is under way: whoever asks counts that in another way. */
  settledFrom?: Date | undefined
}

export interface Spending {
  /** Nano-dollars. */
  spent(of: Spent): Promise<number>
}

export function spendingIn(database: Database): Spending {
  return {
    async spent(of) {
      // Asked for first, so that what is looked for is a figure to the planner. An older answer is as true.
      const [derived] = await rowsOf<{ since: string | null }>(
        database,
        sql`select (${DERIVED_UP_TO})::text as since`,
      )
      const [sum] = await rowsOf<{ nano: string }>(database, spentSince(derived?.since ?? null, of))
      return Number(sum?.nano ?? 0)
    },
  }
}

function spentSince(derivedUpTo: string | null, of: Spent): SQL {
  const from = of.since && sql`${of.since.toISOString()}::timestamptz`
  const first = from && sql`date_trunc('hour', ${from}, 'UTC')`
  const counted = [...whose(of), ...inDays(sql`day`, of), ...(first ? [sql`hour > ${first}`] : [])]
  const apart = [...whose(of), ...inDays(DAY, of), ...(from ? [sql`started_at >= ${from}`] : [])]
  const ofModel = of.model === undefined ? sql`true` : sql`model like ${like(of.model)}`
  return sql`
    with stale as materialized (
      ${staleHours(derivedUpTo)} ${first ? sql`union select ${first}` : sql``}
    )
    select (
      (select coalesce(sum(cost_nano), 0) from hours
        where ${all([...counted, ofModel])} and hour not in (select hour from stale))
      + (select coalesce(sum(cost_nano), 0) from (
          select ${MODEL} as model, cost_nano from (
            select model_id, sum(cost_nano) as cost_nano
            from stale join requests on started_at >= stale.hour and started_at < stale.hour + interval '1 hour'
            where ${all(apart)} group by model_id
          ) as ran
        ) as named where ${ofModel})
      - ${underWay(apart, of)}
    )::text as nano`
}

/** In the same statement, so that a row which is settled meanwhile is in neither sum, or in both. */
function underWay(whosever: readonly SQL[], { settledFrom, model }: Spent): SQL {
  if (!settledFrom) return sql`0`
  const conditions = [
    sql`status = 'pending'`,
    sql`started_at >= ${settledFrom.toISOString()}::timestamptz`,
    ...(model === undefined ? [] : [sql`${MODEL} like ${like(model)}`]),
    ...whosever,
  ]
  return sql`(select coalesce(sum(cost_nano), 0) from requests where ${all(conditions)})`
}

function whose({ teamId, userId, keyId }: Spent): SQL[] {
  return [
    ...(teamId === undefined ? [] : [sql`team_id = ${teamId}`]),
    ...(userId === undefined ? [] : [sql`user_id = ${userId}`]),
    ...(keyId === undefined ? [] : [sql`key_id = ${keyId}`]),
  ]
}

function inDays(day: SQL, { days }: Spent): SQL[] {
  return days === undefined ? [] : [sql`${day} between ${days.from}::date and ${days.to}::date`]
}

function all(conditions: readonly SQL[]): SQL {
  return conditions.length === 0 ? sql`true` : sql.join([...conditions], sql` and `)
}
