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

/** A row as text, which is made once: for the disk, for the database, and for all that waits in between. */
export interface WrittenRow extends Pick<LedgerRow, 'id' | 'status'> {
  /** JSON. */
  text: string
}

export function written(row: LedgerRow): WrittenRow {
  return { id: row.id, status: row.status, text: JSON.stringify(row) }
}

export function rowIn({ text }: Pick<WrittenRow, 'text'>): LedgerRow {
  return rowFromJson(JSON.parse(text) as JsonRow)
}

/** A request that is not over may yet come to another state. */
export function isOver({ status }: Pick<LedgerRow, 'status'>): boolean {
  return status !== 'pending'
}
