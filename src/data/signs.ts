/** Signs of trouble that the database knows of: what the watch looks at each minute. */
import { and, count, gte, isNull, ne, type SQL, sql, sum } from 'drizzle-orm'
import type { Database } from './database.ts'
import { quarantine, requests } from './tables/ledger.ts'
import { keys } from './tables/people.ts'

/** A key whose end is near, or was not long ago. */
export interface ExpiringKey {
  id: string
  name: string
  hint: string
  userId: string | null
  teamId: string | null
  expiresAt: Date
  /** The nearest of the times before its end at which people are told; `expired` after it. */
  stage: '7d' | '1d' | 'expired'
  /** Of the notice that tells it. */
  subject: string
}

export interface Outcomes {
  upstream: string
  requests: number
  failures: number
}

export interface Unpriced {
  provider: string
  modelId: string
  requests: number
  tokens: number
}

export interface Signs {
  /** Those of which nobody was told yet, up to so many. */
  expiringKeys(now: Date, most: number): Promise<ExpiringKey[]>
  /** What became of the requests that began since then, by upstream; what is under way does not count. */
  outcomes(since: Date): Promise<Outcomes[]>
  /** What was written to the ledger since then without a price, most requests first. */
  unpriced(since: Date, most: number): Promise<Unpriced[]>
  /** How many rows came into quarantine since then. */
  quarantined(since: Date): Promise<number>
}

/** Refusals that speak of the upstream, or of the gateway's access to it, rather than of the request. */
const UPSTREAMS_FAULT = sql.raw(
  "('api_error', 'overloaded_error', 'timeout_error', 'rate_limit_error', 'permission_error')",
)

export function signsIn(database: Database): Signs {
  return {
    async expiringKeys(now, most) {
      const at = sql`${now.toISOString()}::timestamptz`
      const stage = sql<ExpiringKey['stage']>`case when ${keys.expiresAt} <= ${at} then 'expired'
        when ${keys.expiresAt} <= ${at} + interval '1 day' then '1d' else '7d' end`
      const kind = sql`case when ${keys.expiresAt} <= ${at} then 'key_expired' else 'key_expiring' end`
      const subject = sql<string>`${kind} || ':' || ${keys.id} || ':' || ${stage} || ':' ||
        to_char(${keys.expiresAt} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
      const rows = await database
        .select({ ...WHOSE, stage, subject })
        .from(keys)
        .where(
          and(
            ...WORKING,
            sql`${keys.expiresAt} > ${at} - interval '1 day' and ${keys.expiresAt} <= ${at} + interval '7 days'`,
            // A key that was made for a day is not told to expire within one.
            sql`(${keys.expiresAt} <= ${at} or ${keys.expiresAt} - ${keys.createdAt} >
              case when ${keys.expiresAt} <= ${at} + interval '1 day' then interval '1 day' else interval '7 days' end)`,
            sql`not exists (select 1 from notices where notices.subject = ${subject})`,
          ),
        )
        .orderBy(keys.expiresAt)
        .limit(most)
      return rows.flatMap(({ expiresAt, ...key }) => (expiresAt ? [{ ...key, expiresAt }] : []))
    },
    outcomes: (since) =>
      database
        .select({ upstream: requests.upstream, requests: count(), failures: FAILURES })
        .from(requests)
        .where(and(gte(requests.startedAt, since), ne(requests.status, 'pending')))
        .groupBy(requests.upstream),
    unpriced: (since, most) =>
      database
        .select({
          provider: requests.provider,
          modelId: requests.modelId,
          requests: count(),
          tokens: sum(TOKENS).mapWith(Number),
        })
        .from(requests)
        .where(and(gte(requests.writtenAt, since), isNull(requests.costNano), ne(requests.status, 'pending')))
        .groupBy(requests.provider, requests.modelId)
        .orderBy(sql`count(*) desc`)
        .limit(most),
    async quarantined(since) {
      const [row] = await database.select({ rows: count() }).from(quarantine).where(gte(quarantine.at, since))
      return row?.rows ?? 0
    },
  }
}

const WHOSE = {
  id: keys.id,
  name: keys.name,
  hint: keys.hint,
  userId: keys.userId,
  teamId: keys.teamId,
  expiresAt: keys.expiresAt,
}

const WORKING: SQL[] = [isNull(keys.deletedAt), isNull(keys.disabledAt)]

const FAILURES = sql`count(*) filter (where ${requests.status} in ('failed_midstream', 'lost')
  or (${requests.status} = 'refused' and ${requests.errorType} in ${UPSTREAMS_FAULT}))`.mapWith(Number)

const TOKENS = sql`${requests.inputTokens} + ${requests.cacheReadTokens} + ${requests.cacheWrite5mTokens} +
  ${requests.cacheWrite1hTokens} + ${requests.outputTokens}`
