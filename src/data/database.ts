/** What the tables' files are handed: Drizzle over whichever Postgres it is. */
import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { codeOf } from '../protocol/codes.ts'

export type Database = PgDatabase<PgQueryResultHKT>

export interface OpenDatabase {
  database: Database
  /** It takes one statement at a time, and no transactions. */
  loose?: boolean
  /** The same database by a way of its own, for reports: one that takes long keeps nothing else waiting. */
  reports?: Database
  close(): Promise<void>
}

/** The rows that a statement of one's own returned: some drivers put them into something else. */
export function returnedBy(result: unknown): readonly Readonly<Record<string, unknown>>[] {
  const rows = Array.isArray(result) ? result : (result as { rows?: unknown }).rows
  return Array.isArray(rows) ? rows : []
}

/** The rows of a statement that Drizzle has no words for. What is not text in them differs from driver to driver. */
export async function rowsOf<Row>(database: Database, statement: SQL): Promise<readonly Row[]> {
  return returnedBy(await database.execute(statement)) as readonly Row[]
}

/** Codes of sockets and of postgres.js for a server that cannot be reached, or went away. */
const UNREACHABLE =
  /^(E(CONN\w+|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|PIPE|AI_AGAIN)|CONNECT_TIMEOUT|CONNECTION_\w+)$/

/** SQLSTATEs: connection exceptions, shutting or starting up, no connection to spare, read-only after a failover. */
const UNAVAILABLE = /^(08...|57P0[1-5]|53300|25006)$/

/** Whether the database could not be asked, and may be later: not that it refused what was asked. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error)
  return UNREACHABLE.test(code) || UNAVAILABLE.test(code)
}

/** SQLSTATE classes 22 (data exception), 23 (integrity), 54 (too large for it): asked again, it will refuse again. */
export function isDataError(error: unknown): boolean {
  return /^(2[23]|54)/.test(codeOf(error))
}

/** SQLSTATE for a name that is taken where there may be but one. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === '23505'
}
