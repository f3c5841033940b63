/** Requests: the table behind the ledger. Rows are written whole and by id, so writing one twice changes nothing. */
import { and, desc, eq, getTableColumns, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import type { LedgerRow, SettledRow } from './rows.ts'
import { requests } from './schema.ts'

export interface LedgerFilter {
  key?: string | undefined
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
  /** At most 1,500 rows: Postgres takes 65,535 parameters a statement. Of several of one request the last stands. */
  upsert(rows: readonly LedgerRow[]): Promise<void>
  /** Newest first. */
  find(filter: LedgerFilter): Promise<SettledRow[]>
  /** Marks what was begun before that time and is still pending as lost, and says how many. */
  closeLost(before: Date): Promise<number>
}

export function requestsIn(database: Database): Requests {
  return {
    async upsert(rows) {
      await database
        .insert(requests)
        .values(lastStates(rows))
        .onConflictDoUpdate({ target: requests.id, set: OVERWRITE, setWhere: KNOWS_MORE })
    },
    find: (filter) =>
      database
        .select()
        .from(requests)
        .where(and(...conditions(filter)))
        .orderBy(desc(requests.id))
        .limit(filter.limit),
    async closeLost(before) {
      const lost = await database
        .update(requests)
        .set({ status: 'lost' })
        .where(and(eq(requests.status, 'pending'), lt(requests.startedAt, before)))
        .returning({ id: requests.id })
      return lost.length
    },
  }
}

/** One statement may not touch a row twice. */
function lastStates(rows: readonly LedgerRow[]): LedgerRow[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()]
}

const OVERWRITE = Object.fromEntries(
  Object.entries(getTableColumns(requests)).map(([name, column]) => [
    name,
    sql.raw(`excluded.${column.name}`),
  ]),
)

/** A row that has its end keeps it, should its beginning arrive late, or the guess that it was lost. */
const KNOWS_MORE = sql`excluded.status not in ('pending', 'lost') or (excluded.status = 'lost' and ${requests.status} = 'pending')`

function conditions(filter: LedgerFilter): SQL[] {
  const list: SQL[] = []
  if (filter.key) list.push(eq(requests.keyId, filter.key))
  if (filter.model) list.push(eq(requests.model, filter.model))
  if (filter.session) list.push(eq(requests.sessionId, filter.session))
  if (filter.status) list.push(eq(requests.status, filter.status))
  if (filter.from) list.push(gte(requests.startedAt, filter.from))
  if (filter.to) list.push(lt(requests.startedAt, filter.to))
  if (filter.before) list.push(lt(requests.id, filter.before))
  return list
}
