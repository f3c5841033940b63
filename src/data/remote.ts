/** A database elsewhere, reached a statement at a time: in another thread, say. */
import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Database } from './database.ts'

/** Rejects as the driver there does, with the code of the error. */
export type Ask = (sql: string, params: readonly unknown[], rowMode: 'array' | 'object') => Promise<unknown[]>

export function remoteDatabase(ask: Ask): Database {
  return drizzle(async (sql, params: unknown[], method) => ({
    rows: await ask(sql, params, method === 'all' ? 'array' : 'object'),
  }))
}
