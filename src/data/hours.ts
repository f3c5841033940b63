/**
 * Hours: what the ledger comes to, derived from it and never counted along. An hour is derived whole, from all of its
 * rows, so that a row which comes late, twice, or in another state than before makes no difference to being right.
 *
 * Three facts make it so, with any number of processes at work. Every write of a row says when (`written_at`). An hour
 * in which something was written since it was derived is derived again. And "since" is asked of the database, which knows
 * the transactions under way: what they have written may be older than anything that can be seen (`horizon`).
 */
import { type SQL, sql } from 'drizzle-orm'
import { type Database, rowsOf } from './database.ts'

export interface Hours {
  /**
   * Derives the hours in which something was written, the newest first, at most so many. Undefined where another
   * process is at it, or the last one has earned its rest.
   */
  derive(most: number): Promise<Derived | undefined>
  /** Every row that was written before then is in the hours; undefined until the first time that all were derived. */
  asOf(): Promise<Date | undefined>
}

export interface Derived {
  hours: number
  /** Hours that were left for the next time. */
  left: number
}

/** Any number that nothing else in this database locks on: one after that of the migrations. */
const LOCK = 6_882_768

/** The setting that says how far the hours have come, and the one that says which of them are derived no more. */
const DERIVED = 'hours_derived'
export const SEALED = 'hours_sealed'

/**
 * Deriving takes at most one twentieth of the time, however large the hours: after it, it rests so many times as long
 * as it took, and never less than the shortest rest, so that ten replicas do not do it ten times as often as one.
 */
const REST = 20
const SHORTEST_REST = 30_000

/** A transaction that has just begun may not be seen yet among those under way; milliseconds. */
const MARGIN = 10_000

export function hoursIn(database: Database, margin = MARGIN): Hours {
  async function standing(): Promise<{ since: string | null; horizon: string; resting: boolean }> {
    const [now] = await rowsOf<{ since: string | null; horizon: string; resting: boolean | null }>(
      database,
      sql`select (${horizonAt(margin)})::text as horizon, derived.value ->> 'asOf' as since,
        statement_timestamp() < (derived.value ->> 'restsUntil')::timestamptz as resting
        from (select 1) as one left join settings as derived on derived.name = ${DERIVED}`,
    )
    if (!now) throw new Error('a select without a condition had no row')
    return { ...now, resting: now.resting === true }
  }

  async function derive(most: number): Promise<Derived | undefined> {
    const { since, horizon, resting } = await standing()
    if (resting) return undefined
    const began = Date.now()
    const stale = await rowsOf<{ hour: string }>(
      database,
      sql`select hour::text as hour from (${staleHours(since)}) as stale order by stale.hour desc`,
    )
    const taken = stale.slice(0, most)
    for (const { hour } of taken) {
      const [done] = await rowsOf<{ free: boolean }>(database, derivation(hour, horizon))
      if (!done?.free) return undefined
    }
    const left = stale.length - taken.length
    if (left === 0) await advance(horizon, Math.max(SHORTEST_REST, REST * (Date.now() - began)))
    return { hours: taken.length, left }
  }

  /** Never back: another process may have been slower, or faster. */
  async function advance(horizon: string, rest: number) {
    const until = sql`statement_timestamp() + ${rest}::int * interval '1 millisecond'`
    await database.execute(sql`
      insert into settings (name, value)
        values (${DERIVED}, jsonb_build_object('asOf', ${horizon}::text, 'restsUntil', (${until})::text))
      on conflict (name) do update set value = excluded.value
        where (settings.value ->> 'asOf')::timestamptz <= (excluded.value ->> 'asOf')::timestamptz`)
  }

  return {
    derive,
    async asOf() {
      const [known] = await rowsOf<{ ms: string }>(
        database,
        sql`select (extract(epoch from (${DERIVED_UP_TO})) * 1000)::bigint::text as ms where (${DERIVED_UP_TO}) is not null`,
      )
      return known && new Date(Number(known.ms))
    },
  }
}

/** As `asOf` has it; null before that. */
export const DERIVED_UP_TO = sql`select (value ->> 'asOf')::timestamptz from settings where name = ${DERIVED}`

/**
 * Everything that was written before this moment can be seen by whatever is asked after it: no transaction that is under
 * way began before. Sessions of another role do not show their transactions: replicas use one role, or they are trusted
 * to write a row within the margin.
 */
function horizonAt(margin: number): SQL {
  return sql`select least(
    statement_timestamp() - ${margin}::int * interval '1 millisecond',
    (select min(coalesce(xact_start, query_start)) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and (state = 'active' or backend_xid is not null))
  )::timestamptz(3)`
}

/** Hours in which something was written since they were derived, as far as they may be derived at all. */
export function staleHours(since: string | null): SQL {
  const lately = since === null ? sql`` : sql`where written_at >= ${since}::timestamptz`
  return sql`select recent.hour from (
      select date_trunc('hour', started_at, 'UTC') as hour, max(written_at) as written_at
      from requests ${lately} group by 1
    ) as recent
    where recent.hour >= ${sealedBefore()} and coalesce(
      recent.written_at >= (select min(derived_at) from hours where hours.hour = recent.hour), true)`
}

/** Before this hour rows may have been deleted: what is left of them says nothing. */
function sealedBefore(): SQL {
  return sql`coalesce((select (value #>> '{}')::timestamptz from settings where name = ${SEALED}), '-infinity')`
}

/** `main`, `agent`, `other`: the main thread of a session, one of its subagents, no session at all. */
const SESSION_CLASS = sql`case when session_id is null then 'other' when agent_id is null then 'main' else 'agent' end`

/** The day of rows that were written before they had one. */
export const DAY = sql`coalesce(day, (started_at at time zone 'UTC')::date)`

/**
 * The plain name of the model that ran, out of what its provider calls it: `us.anthropic.claude-haiku-4-5-20251001-v1:0`
 * and `claude-haiku-4-5@20251001` are both `claude-haiku-4-5`. What does not say which model it is stays as it is.
 */
export const MODEL = sql`case when model_id ~ 'claude-' then regexp_replace(regexp_replace(model_id, '^.*(?=claude-)', ''),
  '([-@](\\d{8}|default))?(-v\\d+(:\\d+)?)?$', '') else model_id end`

const GROUP = sql.raw('day, team_id, user_id, key_id, model, upstream, session_class')
const SUMS = [
  'requests',
  'failures',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'output_tokens',
  'web_searches',
  'cost_nano',
  'unpriced_requests',
  'unpriced_tokens',
]
const ALL_SUMS = sql.raw(SUMS.join(', '))
const ADDED = sql.raw(SUMS.map((name) => `sum(${name})::bigint as ${name}`).join(', '))
const REPLACED = sql.raw([...SUMS, 'derived_at'].map((name) => `${name} = excluded.${name}`).join(', '))

const TOKENS = sql.raw(
  'input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + output_tokens',
)

/**
 * One hour, in one statement: summed up, written over what was there, and groups that there are no more deleted. One
 * process at a time, or two might wait for each other. One that was slow to get its turn has seen older rows than the
 * one before it, but never fewer than its `horizon` says: the hour then counts as stale, and is derived again.
 */
function derivation(hour: string, horizon: string): SQL {
  const from = sql`${hour}::timestamptz`
  const at = sql`${horizon}::timestamptz(3)`
  return sql`
    with gate as materialized (
      select pg_try_advisory_xact_lock(${LOCK}::bigint) as free, ${from} >= ${sealedBefore()} as open
    ), found as materialized (
      select ${DAY} as day, coalesce(team_id, '') as team_id, coalesce(user_id, '') as user_id, key_id,
        model_id, upstream, ${SESSION_CLASS} as session_class,
        count(*) as requests, count(*) filter (where status not in ('succeeded', 'pending')) as failures,
        sum(input_tokens) as input_tokens, sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_5m_tokens) as cache_write_5m_tokens, sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(output_tokens) as output_tokens, sum(web_searches) as web_searches,
        coalesce(sum(cost_nano), 0) as cost_nano, count(*) filter (where cost_nano is null) as unpriced_requests,
        coalesce(sum(${TOKENS}) filter (where cost_nano is null), 0) as unpriced_tokens
      from requests
      where started_at >= ${from} and started_at < ${from} + interval '1 hour' and (select free and open from gate)
      group by 1, 2, 3, 4, 5, 6, 7
    ), fresh as materialized (
      select day, team_id, user_id, key_id, ${MODEL} as model, upstream, session_class, ${ADDED}
      from found group by 1, 2, 3, 4, 5, 6, 7
    ), gone as (
      delete from hours using gate
      where hours.hour = ${from} and gate.free and gate.open and hours.derived_at <= ${at}
        and (${GROUP}) not in (select ${GROUP} from fresh)
    ), written as (
      insert into hours (hour, ${GROUP}, ${ALL_SUMS}, derived_at)
        select ${from}, ${GROUP}, ${ALL_SUMS}, ${at} from fresh order by ${GROUP}
      on conflict on constraint hours_group do update set ${REPLACED} where hours.derived_at <= excluded.derived_at
    )
    select free from gate`
}
