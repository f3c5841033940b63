/** Ledger rows as text, one a line: how they lie in a spool and travel through a queue. */
import type { requests } from './schema.ts'

/** A row to be written: whole, so that the latest one written for a request is the request. */
export type LedgerRow = typeof requests.$inferInsert
export type SettledRow = typeof requests.$inferSelect

export function rowToText(row: LedgerRow): string {
  return JSON.stringify(row)
}

/** Undefined for what is no such text: the last line of a process that was killed may be torn. */
export function rowFromText(text: string): LedgerRow | undefined {
  try {
    const row = JSON.parse(text) as LedgerRow
    return { ...row, startedAt: new Date(row.startedAt) }
  } catch {
    return undefined
  }
}

/** A request that is not over may yet come to another state. */
export function isOver({ status }: LedgerRow): boolean {
  return status !== 'pending'
}
