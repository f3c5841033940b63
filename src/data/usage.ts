/**
 * Reports of usage, from the hours and from nothing else: what they cost does not depend on how many requests there
 * were. Where the database has a pool of its own for them they run there, and are given up after a while.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type Database, rowsOf } from './database.ts'
import { DERIVED_UP_TO } from './hours.ts'
import { like } from './patterns.ts'
import { type Owners, ownedBy } from './requests.ts'
import { hours } from './tables/ledger.ts'

/** What a report may be grouped by; what of it is a time comes first in its rows. */
export const GROUPINGS = {
  hour: sql`to_char(hours.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
  day: sql`to_char(hours.day, 'YYYY-MM-DD')`,
  week: sql`to_char(date_trunc('week', hours.day), 'YYYY-MM-DD')`,
  month: sql`to_char(hours.day, 'YYYY-MM')`,
  team: sql`hours.team_id`,
  user: sql`hours.user_id`,
  key: sql`hours.key_id`,
  model: sql`hours.model`,
  upstream: sql`hours.upstream`,
  session_class: sql`hours.session_class`,
} as const satisfies Record<string, SQL>

export type Grouping = keyof typeof GROUPINGS

const TIMES: readonly Grouping[] = ['month', 'week', 'day', 'hour']

export interface UsageQuery {
  by: readonly Grouping[]
  /** Days in the organisation's time zone, both included, as in `2026-11-20`. */
  from: string
  to: string
  owners: Owners
  team?: string | undefined
  user?: string | undefined
  key?: string | undefined
  /** A pattern of names, `*` for any run of characters. */
  model?: string | undefined
  upstream?: string | undefined
  sessionClass?: string | undefined
  /** Rows to leave out, and to give at the most. */
  offset: number
  limit: number
}

export interface Sums {
  requests: number
  failures: number
  input: number
  cacheRead: number
  cacheWrite5m: number
  cacheWrite1h: number
  output: number
  webSearches: number
  costNano: number
  unpricedRequests: number
  unpricedTokens: number
}

/** Of a group: its values by what it is grouped by, and the names that go with the ids among them. */
export interface UsageRow extends Sums {
  group: Readonly<Partial<Record<Grouping, string>>>
  names: Readonly<Partial<Record<'team' | 'user' | 'key', string>>>
}

export interface UsageReport {
  /** What was written to the ledger before then is in it; undefined where the hours were not derived yet. */
  asOf: Date | undefined
  /** The rows, some at a time, each read when it is its turn: a large report must not hold up the calls beside it. */
  parts(): Generator<readonly UsageRow[]>
  /** Of all groups, and not only of those that are given. */
  totals: Sums
  groups: number
}

export interface Usage {
  report(query: UsageQuery): Promise<UsageReport>
}

/** Milliseconds that the database works at a report. */
export const REPORT_PATIENCE = 10_000

/** `own`: a way to the database that nothing else uses, where a report may be given a time limit. */
export function usageIn(database: Database, own?: Database): Usage {
  return {
    async report(query) {
      const statement = reportOf(query)
      const told = await (own
        ? own.transaction(async (inside) => {
            await inside.execute(sql.raw(`set local statement_timeout = ${REPORT_PATIENCE}`))
            return rowsOf<Told>(inside, statement)
          })
        : rowsOf<Told>(database, statement))
      const [head] = told
      if (!head) throw new Error('a report without a row')
      const { groups, ...totals } = JSON.parse(head.totals) as Sums & { groups: number }
      return {
        asOf: head.as_of === null ? undefined : new Date(Number(head.as_of)),
        *parts() {
          for (const { rows } of told) if (rows !== null) yield JSON.parse(rows) as UsageRow[]
        },
        totals,
        groups,
      }
    },
  }
}

/** Everything as text: drivers differ in what they make of large figures. */
interface Told {
  as_of: string | null
  totals: string
  /** Of this part. */
  rows: string | null
}

/** Rows of a part. */
const PART = 500

const COLUMNS: Readonly<Record<keyof Sums, string>> = {
  requests: 'requests',
  failures: 'failures',
  input: 'input_tokens',
  cacheRead: 'cache_read_tokens',
  cacheWrite5m: 'cache_write_5m_tokens',
  cacheWrite1h: 'cache_write_1h_tokens',
  output: 'output_tokens',
  webSearches: 'web_searches',
  costNano: 'cost_nano',
  unpricedRequests: 'unpriced_requests',
  unpricedTokens: 'unpriced_tokens',
}
const NAMES = Object.keys(COLUMNS)
const SUMMED = sql.raw(
  Object.entries(COLUMNS)
    .map(([name, column]) => `coalesce(sum(hours.${column}), 0) as "${name}"`)
    .join(', '),
)
const TOTALS = sql.raw(NAMES.map((name) => `coalesce(sum("${name}"), 0) as "${name}"`).join(', '))
const PICKED = sql.raw(NAMES.map((name) => `placed."${name}"`).join(', '))

/** One statement, and so one state of the hours: the totals are those of the rows. */
function reportOf(query: UsageQuery): SQL {
  const { by, offset, limit } = query
  const times = TIMES.filter((time) => by.includes(time))
  const order = [...times.map(quoted), sql`"costNano" desc`, ...by.map(quoted)]
  const grouped =
    by.length === 0
      ? sql`select ${SUMMED} from hours where false`
      : sql`select ${list(by.map((name) => sql`${GROUPINGS[name]} as ${quoted(name)}`))}, ${SUMMED}
          from hours where ${all(conditions(query))} group by ${list(by.map((_, index) => sql.raw(String(index + 1))))}`
  const total =
    by.length === 0
      ? sql`(select ${SUMMED} from hours where ${all(conditions(query))}) as whole`
      : sql`grouped`
  return sql`
    with grouped as materialized (${grouped}),
    placed as (select *, row_number() over (order by ${list(order)}) as position from grouped)
    select head.as_of, head.totals, part.rows
    from (
      select (extract(epoch from (${DERIVED_UP_TO})) * 1000)::bigint::text as as_of,
        (select row_to_json(sums)::text from (select count(*) as groups, ${TOTALS} from ${total}) as sums) as totals
    ) as head left join (
      select position / ${PART}::int as number, json_agg(row_to_json(given) order by position)::text as rows from (
        select position, ${groupOf(by)} as "group", ${namesOf(by)} as names, ${PICKED} from placed
        where position > ${offset}::bigint and position <= ${offset + limit}::bigint
      ) as given group by 1
    ) as part on true order by part.number`
}

function groupOf(by: readonly Grouping[]): SQL {
  return sql`json_build_object(${list(by.map((name) => sql`${literal(name)}, placed.${quoted(name)}`))})`
}

/** Names as they are now; ids of what there is no more have none. */
function namesOf(by: readonly Grouping[]): SQL {
  const named = (['team', 'user', 'key'] as const).filter((name) => by.includes(name))
  return sql`json_strip_nulls(json_build_object(${list(
    named.map(
      (name) =>
        sql`${literal(name)}, (select name from ${sql.raw(`${name}s`)} where id = placed.${quoted(name)})`,
    ),
  )}))`
}

function conditions(query: UsageQuery): SQL[] {
  const { owners, team, user, key, model, upstream, sessionClass } = query
  return [
    sql`hours.day between ${query.from}::date and ${query.to}::date`,
    ownedBy(owners, hours),
    ...(team === undefined ? [] : [sql`hours.team_id = ${team}`]),
    ...(user === undefined ? [] : [sql`hours.user_id = ${user}`]),
    ...(key === undefined ? [] : [sql`hours.key_id = ${key}`]),
    ...(model === undefined ? [] : [sql`hours.model like ${like(model)}`]),
    ...(upstream === undefined ? [] : [sql`hours.upstream = ${upstream}`]),
    ...(sessionClass === undefined ? [] : [sql`hours.session_class = ${sessionClass}`]),
  ]
}

/** Groupings come from the list above, whoever asks: as names and literals they are written out. */
function quoted(name: Grouping): SQL {
  return sql.raw(`"${name}"`)
}

function literal(name: Grouping): SQL {
  return sql.raw(`'${name}'`)
}

function list(parts: readonly SQL[]): SQL {
  return sql.join([...parts], sql`, `)
}

function all(parts: readonly SQL[]): SQL {
  return sql.join([...parts], sql` and `)
}
