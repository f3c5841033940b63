/** Prices: what admins, or AWS's price list, say beside those that the release ships. */
import { and, asc, count, desc, eq, gt, isNull } from 'drizzle-orm'
import type { Database } from './database.ts'
import { prices, type Rates } from './tables/money.ts'

export type { Rates }
export type StoredPrice = typeof prices.$inferSelect

export interface PriceRows {
  /** Those that are not archived, newest first: at most so many. */
  live(most: number): Promise<StoredPrice[]>
  countLive(): Promise<number>
  /** Archived ones too, oldest first. */
  list(page: { after: string | undefined; limit: number }): Promise<StoredPrice[]>
  /** All of them or, should one not go in, none. */
  create(rows: readonly StoredPrice[]): Promise<void>
  /** The price as it was; undefined where there is none, or it was archived before. */
  archive(id: string, at: Date): Promise<StoredPrice | undefined>
}

export function pricesIn(database: Database): PriceRows {
  return {
    live: (most) =>
      database.select().from(prices).where(isNull(prices.archivedAt)).orderBy(desc(prices.id)).limit(most),
    async countLive() {
      const [found] = await database.select({ live: count() }).from(prices).where(isNull(prices.archivedAt))
      return found?.live ?? 0
    },
    list: ({ after, limit }) =>
      database
        .select()
        .from(prices)
        .where(after === undefined ? undefined : gt(prices.id, after))
        .orderBy(asc(prices.id))
        .limit(limit),
    async create(rows) {
      if (rows.length > 0) await database.insert(prices).values([...rows])
    },
    async archive(id, at) {
      const [row] = await database
        .update(prices)
        .set({ archivedAt: at })
        .where(and(eq(prices.id, id), isNull(prices.archivedAt)))
        .returning()
      return row && { ...row, archivedAt: null }
    },
  }
}
