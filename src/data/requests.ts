/**
 * The ledger. Rows are written whole and by id, so that writing one twice changes nothing, and in groups: what
 * arrives while a write is under way goes with the next one.
 */
import { and, desc, eq, getTableColumns, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { Log } from '../runtime.ts'
import type { Database } from './database.ts'
import { requests } from './schema.ts'

export type LedgerRow = typeof requests.$inferInsert
export type SettledRow = typeof requests.$inferSelect

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

export interface Ledger {
  /** Resolves when the row is in the database. A later state of the same request replaces an earlier one. */
  write(row: LedgerRow): Promise<void>
  /** Newest first. */
  find(filter: LedgerFilter): Promise<SettledRow[]>
  /** Marks what was begun before that time and is still pending as lost, and says how many. */
  closeLost(before: Date): Promise<number>
}

interface Waiting {
  row: LedgerRow
  done: (error?: unknown) => void
}

/** What becomes of rows that the database does not take. */
export interface LedgerOptions {
  /** For how long it is asked again, in milliseconds. */
  patience?: number
  /** Where they go then. */
  overflow?: (rows: LedgerRow[]) => Promise<void>
}

export function ledgerIn(database: Database, log: Log, options: LedgerOptions = {}): Ledger {
  const waiting: Waiting[] = []
  let writing = false

  async function drain() {
    // Yield first: the request that wrote this row gets on its way before the database is asked.
    await new Promise((resolve) => setTimeout(resolve, 0))
    while (waiting.length > 0) {
      const group = waiting.splice(0, MAX_GROUP)
      await writeGroup(database, group, log, options)
    }
    writing = false
  }

  return {
    write(row) {
      return new Promise((resolve, reject) => {
        if (waiting.length >= MOST_WAITING) {
          log('error', 'a ledger row was lost: too many wait for the database', { id: row.id })
          return reject(new Error('the ledger is full'))
        }
        waiting.push({ row, done: (error) => (error === undefined ? resolve() : reject(error)) })
        if (!writing) {
          writing = true
          void drain()
        }
      })
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

/** Postgres takes 65,535 parameters a statement; a row has some thirty. */
const MAX_GROUP = 500

/** Pauses between attempts at a write, doubling, and for how long it is tried: longer than a failover takes. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 5_000
const PATIENCE = 600_000

/** Rows that wait for the database at the most, some 50 MB of them. */
const MOST_WAITING = 50_000

async function writeGroup(
  database: Database,
  group: Waiting[],
  log: Log,
  { patience = PATIENCE, overflow }: LedgerOptions,
): Promise<void> {
  const until = Date.now() + patience
  for (let attempt = 1; ; attempt++) {
    try {
      await inTime(upsert(database, lastStates(group)), until)
      return forget(group)
    } catch (error) {
      if (isDataError(error) && group.length > 1) {
        // One row that the database cannot hold must not keep the others out.
        for (const one of group)
          await writeGroup(database, [one], log, { patience, ...(overflow ? { overflow } : {}) })
        return
      }
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
      if (isDataError(error) || Date.now() + pause > until) return giveUp(group, error, log, overflow)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

function forget(group: Waiting[], error?: unknown) {
  for (const { done } of group) done(error)
}

async function giveUp(group: Waiting[], error: unknown, log: Log, overflow: LedgerOptions['overflow']) {
  try {
    if (isDataError(error) || !overflow) throw error
    await overflow(lastStates(group))
    forget(group)
  } catch (failure) {
    log('error', 'ledger rows could not be written', { rows: group.length, first: group[0]?.row.id })
    forget(group, failure)
  }
}

/** A database that says nothing is one that does not answer. */
async function inTime(writing: Promise<void>, until: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the database is silent')), Math.max(0, until - Date.now()))
  })
  await Promise.race([writing, late]).finally(() => clearTimeout(timer))
}

/** One statement may not touch a row twice: of several states of one request the last stands. */
function lastStates(group: Waiting[]): LedgerRow[] {
  return [...new Map(group.map(({ row }) => [row.id, row])).values()]
}

async function upsert(database: Database, rows: LedgerRow[]) {
  await database.insert(requests).values(rows).onConflictDoUpdate({
    target: requests.id,
    set: OVERWRITE,
    // A row that has its end keeps it, should its beginning arrive late.
    setWhere: sql`excluded.status <> 'pending'`,
  })
}

const OVERWRITE = Object.fromEntries(
  Object.entries(getTableColumns(requests)).map(([name, column]) => [
    name,
    sql.raw(`excluded.${column.name}`),
  ]),
)

/** SQLSTATE classes 22 (data exception) and 23 (integrity): the same row will fail again. */
function isDataError(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /^2[23]/.test(code)
}

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
