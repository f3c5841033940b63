/** Channels: how people are told. One that was removed keeps its row: deliveries refer to it. */
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { channels } from './tables/notices.ts'

export type ChannelRow = typeof channels.$inferSelect
/** What is undefined stays as it is. */
export type ChannelChange = { [Field in 'name' | 'kinds' | 'teams']?: ChannelRow[Field] | undefined }
/** What a test was about: settings that have changed since are not tested by it. */
export type Tested = Pick<ChannelRow, 'id' | 'settings' | 'secrets'>

export interface Channels {
  create(channel: ChannelRow): Promise<void>
  byId(id: string): Promise<ChannelRow | undefined>
  byIds(ids: readonly string[]): Promise<ChannelRow[]>
  /** Oldest first, after the given id. */
  list(page: { after?: string | undefined; limit: number }): Promise<ChannelRow[]>
  count(): Promise<number>
  /** Undefined where there is no such channel. */
  change(id: string, change: ChannelChange): Promise<ChannelRow | undefined>
  /** Other settings: it is a draft again, and untested. */
  resettle(id: string, parts: Pick<ChannelRow, 'settings' | 'secrets'>): Promise<ChannelRow | undefined>
  /** These settings came through a test. False where they are no longer its settings. */
  passed(tested: Tested, at: Date): Promise<boolean>
  /** Undefined where there is no such channel, or its present settings were not tested. */
  activate(id: string): Promise<ChannelRow | undefined>
  /** What waits for it waits on, for a while. */
  turnOff(id: string): Promise<ChannelRow | undefined>
  /** Undefined where there is no such channel. */
  remove(id: string, at: Date): Promise<ChannelRow | undefined>
}

export function channelsIn(database: Database): Channels {
  const live = isNull(channels.archivedAt)
  const only = (id: string) => and(eq(channels.id, id), live)

  async function byId(id: string) {
    const [channel] = await database.select().from(channels).where(only(id))
    return channel
  }

  async function set(where: ReturnType<typeof only>, values: Partial<ChannelRow>) {
    const [channel] = await database.update(channels).set(values).where(where).returning()
    return channel
  }

  return {
    async create(channel) {
      await database.insert(channels).values(channel)
    },
    byId,
    byIds: (ids) =>
      database
        .select()
        .from(channels)
        .where(and(inArray(channels.id, [...ids]), live)),
    list({ after, limit }) {
      const position = after === undefined ? live : and(live, gt(channels.id, after))
      return database.select().from(channels).where(position).orderBy(asc(channels.id)).limit(limit)
    },
    async count() {
      const [row] = await database.select({ count: count() }).from(channels).where(live)
      return row?.count ?? 0
    },
    change(id, change) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      return set(only(id), change as Partial<ChannelRow>)
    },
    resettle: (id, parts) => set(only(id), { ...parts, state: 'draft', testedAt: null }),
    async passed({ id, settings, secrets }, at) {
      const same = sql`${channels.settings} = ${JSON.stringify(settings)}::jsonb and ${channels.secrets} is not distinct from ${secrets}`
      return (await set(and(only(id), same), { testedAt: at })) !== undefined
    },
    activate: (id) => set(and(only(id), isNotNull(channels.testedAt)), { state: 'active' }),
    turnOff: (id) => set(and(only(id), eq(channels.state, 'active')), { state: 'off' }),
    remove: (id, at) => set(only(id), { archivedAt: at, state: 'off', secrets: null }),
  }
}
