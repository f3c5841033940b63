/** Upstreams, as admins have set them up. */
import { and, asc, eq, isNull } from 'drizzle-orm'
import type { Database } from './database.ts'
import { upstreams } from './tables/upstreams.ts'

export type UpstreamRow = typeof upstreams.$inferSelect
/** What is undefined stays as it is. */
export type UpstreamChange = {
  [Field in Exclude<keyof UpstreamRow, 'id' | 'kind' | 'createdAt'>]?: UpstreamRow[Field] | undefined
}

export interface Upstreams {
  /** Every one that was not archived, by priority, then in the order in which they were made. */
  all(): Promise<UpstreamRow[]>
  byId(id: string): Promise<UpstreamRow | undefined>
  /** The same; nobody else changes it before the transaction is over. */
  lock(id: string): Promise<UpstreamRow | undefined>
  /** @throws an error that `isTaken` knows, where there is an upstream of this name. */
  create(upstream: UpstreamRow): Promise<void>
  /** Undefined where there is no such upstream. @throws as `create` does. */
  change(id: string, change: UpstreamChange): Promise<UpstreamRow | undefined>
}

export function upstreamsIn(database: Database): Upstreams {
  const live = isNull(upstreams.archivedAt)
  const only = (id: string) => and(eq(upstreams.id, id), live)

  async function byId(id: string): Promise<UpstreamRow | undefined> {
    const [upstream] = await database.select().from(upstreams).where(only(id))
    return upstream
  }

  return {
    all: () =>
      database.select().from(upstreams).where(live).orderBy(asc(upstreams.priority), asc(upstreams.id)),
    byId,
    async lock(id) {
      const [upstream] = await database.select().from(upstreams).where(only(id)).for('update')
      return upstream
    },
    async create(upstream) {
      await database.insert(upstreams).values(upstream)
    },
    async change(id, change) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      const [upstream] = await database.update(upstreams).set(change).where(only(id)).returning()
      return upstream
    },
  }
}
