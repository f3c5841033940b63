/** Keys: developers' secrets, by their hash. */
import { and, asc, eq, gt, isNull } from 'drizzle-orm'
import type { Database } from './database.ts'
import { keys } from './tables/people.ts'

export type Key = typeof keys.$inferSelect
/** What a key may send; null is as much as it likes. */
export type KeyLimits = Pick<Key, 'requestsPerMinute' | 'tokensPerMinute'>
/** What is undefined stays as it is. */
export type KeyChange = {
  [Field in 'name' | 'models' | 'disabledAt' | keyof KeyLimits]?: Key[Field] | undefined
}

export interface Keys {
  /** A key that was not deleted, disabled or not. */
  byHash(hash: string): Promise<Key | undefined>
  byId(id: string): Promise<Key | undefined>
  /** Oldest first, after the given id. */
  list(page: { after?: string | undefined; limit: number }): Promise<Key[]>
  create(key: Key): Promise<void>
  /** Undefined where there is no such key. */
  change(id: string, change: KeyChange): Promise<Key | undefined>
  /** Undefined where there is no such key. */
  remove(id: string, at: Date): Promise<Key | undefined>
}

export function keysIn(database: Database): Keys {
  const live = isNull(keys.deletedAt)

  async function byId(id: string): Promise<Key | undefined> {
    const [key] = await database
      .select()
      .from(keys)
      .where(and(eq(keys.id, id), live))
    return key
  }

  return {
    async byHash(hash) {
      const [key] = await database
        .select()
        .from(keys)
        .where(and(eq(keys.hash, hash), live))
      return key
    },
    byId,
    list({ after, limit }) {
      const position = after === undefined ? live : and(live, gt(keys.id, after))
      return database.select().from(keys).where(position).orderBy(asc(keys.id)).limit(limit)
    },
    async create(key) {
      await database.insert(keys).values(key)
    },
    async change(id, change) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      const [key] = await database
        .update(keys)
        .set(change)
        .where(and(eq(keys.id, id), live))
        .returning()
      return key
    },
    async remove(id, at) {
      const [key] = await database
        .update(keys)
        .set({ deletedAt: at })
        .where(and(eq(keys.id, id), live))
        .returning()
      return key
    },
  }
}
