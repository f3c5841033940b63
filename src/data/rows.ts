/** Ledger rows, and how they are written down wherever they wait for the database. */
import type { requests } from './tables/ledger.ts'

/** A row to be written: whole, so that the latest one written for a request is the request. */
export type LedgerRow = typeof requests.$inferInsert
export type SettledRow = typeof requests.$inferSelect

/** A row as it is in JSON. */
export type JsonRow = Omit<LedgerRow, 'startedAt'> & { startedAt: string }

export function rowToJson(row: LedgerRow): JsonRow {
  return { ...row, startedAt: row.startedAt.toISOString() }
}

export function rowFromJson(json: JsonRow): LedgerRow {
  return { ...json, startedAt: new Date(json.startedAt) }
}

/** A request that is not over may yet come to another state. */
export function isOver({ status }: LedgerRow): boolean {
  return status !== 'pending'
}
