/**
 * Ledger rows that the database cannot hold. They are kept as JSON, whose text escapes what Postgres objects to, so that
 * people can see what was wrong and put it right by hand.
 */
import { sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { isOver, type LedgerRow } from './rows.ts'
import { quarantine } from './tables/ledger.ts'

export interface Quarantine {
  /** The end of a request replaces its beginning, and not the other way round. */
  hold(row: LedgerRow, code: string): Promise<void>
}

export function quarantineIn(database: Database): Quarantine {
  return {
    async hold(row, code) {
      await database
        .insert(quarantine)
        .values({ id: row.id, row: JSON.stringify(row), code, at: sql`statement_timestamp()` })
        .onConflictDoUpdate({
          target: quarantine.id,
          set: { row: sql`excluded.row`, code: sql`excluded.code`, at: sql`excluded.at` },
          setWhere: sql`${isOver(row)}`,
        })
    },
  }
}
