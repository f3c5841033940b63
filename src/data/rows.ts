/** Ledger rows as JSON, for wherever they wait for the database. */
import type { LedgerRow } from './requests.ts'

export type JsonRow = Omit<LedgerRow, 'startedAt'> & { startedAt: string }

export function rowToJson(row: LedgerRow): JsonRow {
  return { ...row, startedAt: row.startedAt.toISOString() }
}

export function rowFromJson(json: JsonRow): LedgerRow {
  return { ...json, startedAt: new Date(json.startedAt) }
}
