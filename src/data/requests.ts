/** Requests: the table behind the ledger. Rows are written whole and by id, so writing one twice changes nothing. */
import { and, type Column, desc, eq, getTableColumns, gte, inArray, lt, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import type { SettledRow, WrittenRow } from './rows.ts'
import { requests } from './tables/ledger.ts'

/** Everything, or what belongs to any of these teams, or to this user. */
export interface Owners {
  all: boolean
  teams: readonly string[]
  userId: string | undefined
}

export interface LedgerFilter {
  owners: Owners
  team?: string | undefined
  user?: string | undefined
  key?: string | undefined
  upstream?: string | undefined
  model?: string | undefined
  session?: string | undefined
  status?: SettledRow['status'] | undefined
  from?: Date | undefined
  to?: Date | undefined
  /** Rows older than this id. */
  before?: string | undefined
  limit: number
}

export interface Requests {
  /** Of several rows of one request the last stands. */
  upsert(rows: readonly WrittenRow[]): Promise<void>
  /** Newest first. */
  find(filter: LedgerFilter): Promise<SettledRow[]>
  byId(id: string): Promise<SettledRow | undefined>
  /** Marks what was begun before that time and is still pending as lost, and says how many. */
  closeLost(before: Date): Promise<number>
}

/**
 * When a state of a row comes to the database, for `writtenAt` of whatever writes one. Of the statement and not of its
 * transaction, which may have begun long before: what is derived looks for what was written since (hours.ts).
 */
const WRITTEN_AT = sql`statement_timestamp()`

export function requestsIn(database: Database): Requests {
  return {
    async upsert(rows) {
      const text = wellFormed(`[${lastStates(rows).join(',')}]`)
      await database.execute(sql`${INSERT}${text}${FROM_TEXT}`)
    },
    find: (filter) =>
      database
        .select()
        .from(requests)
        .where(and(...conditions(filter)))
        .orderBy(desc(requests.id))
        .limit(filter.limit),
    async byId(id) {
      const [row] = await database.select().from(requests).where(eq(requests.id, id))
      return row
    },
    async closeLost(before) {
      const lost = await database
        .update(requests)
        .set({ status: 'lost', writtenAt: WRITTEN_AT })
        .where(and(eq(requests.status, 'pending'), lt(requests.startedAt, before)))
        .returning({ id: requests.id })
      return lost.length
    },
  }
}

/** One statement may not touch a row twice. */
function lastStates(rows: readonly WrittenRow[]): string[] {
  return [...new Map(rows.map(({ id, text }) => [id, text])).values()]
}

/** Half of a pair, or a NUL, escaped: JSON may hold that, Postgres does not. */
const UNHEARD_OF = /\\u(?:d[89a-f][\da-f]{2}|0000)/i

/** A client may name such a model. */
function wellFormed(json: string): string {
  if (!UNHEARD_OF.test(json)) return json
  return JSON.stringify(JSON.parse(json), (_, value) =>
    typeof value === 'string'
      ? new TextDecoder().decode(new TextEncoder().encode(value)).replaceAll('\0', '\ufffd')
      : value,
  )
}

/**
 * One statement for any number of rows, its text made once: rows travel as JSON in its only parameter. Built row by
 * row with a parameter a column, it cost more than everything else that is done for a small request.
 */
const COLUMNS = Object.entries(getTableColumns(requests))
const NAMES = COLUMNS.map(([, { name }]) => name)
const INSERT = sql.raw(
  `insert into requests (${NAMES.join(', ')}) select ${COLUMNS.map(([key, column]) => givenFor(key, column)).join(', ')} from json_to_recordset(`,
)
const FROM_TEXT = sql.raw(
  `::text::json) as given (${COLUMNS.map(([key, column]) => `"${key}" ${column.getSQLType()}`).join(', ')}) ` +
    `on conflict (id) do update set ${NAMES.map((name) => `${name} = excluded.${name}`).join(', ')} ` +
    // A row that has its end keeps it, should its beginning arrive late, or the guess that it was lost.
    // Of two beginnings the later one stands: it says where the call went on.
    "where excluded.status not in ('pending', 'lost') or (requests.status = 'pending' and " +
    "(excluded.status = 'lost' or excluded.attempts > requests.attempts))",
)

/** What is not said is what the table says. */
function givenFor(key: string, { notNull, default: otherwise }: Column): string {
  if (key === 'writtenAt') return 'statement_timestamp()'
  if (key === 'day') return `coalesce("day", ("startedAt" at time zone 'UTC')::date)`
  return notNull && typeof otherwise === 'number' ? `coalesce("${key}", ${otherwise})` : `"${key}"`
}

function conditions(filter: LedgerFilter): SQL[] {
  const list: SQL[] = [ownedBy(filter.owners, requests)]
  if (filter.team) list.push(eq(requests.teamId, filter.team))
  if (filter.user) list.push(eq(requests.userId, filter.user))
  if (filter.upstream) list.push(eq(requests.upstream, filter.upstream))
  if (filter.key) list.push(eq(requests.keyId, filter.key))
  if (filter.model) list.push(eq(requests.model, filter.model))
  if (filter.session) list.push(eq(requests.sessionId, filter.session))
  if (filter.status) list.push(eq(requests.status, filter.status))
  if (filter.from) list.push(gte(requests.startedAt, filter.from))
  if (filter.to) list.push(lt(requests.startedAt, filter.to))
  if (filter.before) list.push(lt(requests.id, filter.before))
  return list
}

/** Rows of these owners; none, where nobody is named. */
export function ownedBy({ all, teams, userId }: Owners, table: { teamId: Column; userId: Column }): SQL {
  if (all) return sql`true`
  const theirs = [
    ...(teams.length > 0 ? [inArray(table.teamId, [...teams])] : []),
    ...(userId === undefined ? [] : [eq(table.userId, userId)]),
  ]
  return or(...theirs) ?? sql`false`
}
