/** What the tables' files are handed: Drizzle over whichever Postgres it is. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

export type Database = PgDatabase<PgQueryResultHKT>

/** An open database, migrated. */
export interface OpenDatabase {
  database: Database
  close(): Promise<void>
}
