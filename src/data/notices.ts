/** Notices: what people are told. Of one subject there is one, however many replicas find it worth telling. */
import { and, desc, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { newId } from '../protocol/ids.ts'
import { type Database, returnedBy } from './database.ts'
import { notices } from './tables/notices.ts'

export type Notice = typeof notices.$inferSelect

/** A subject reads `kind:what:window`: the same one is never told twice. */
export type NewNotice = Omit<Notice, 'id' | 'createdAt'>

export interface NoticeFilter {
  kind?: string | undefined
  severity?: Notice['severity'] | undefined
  /** Only those about one of these teams. */
  teams?: readonly string[] | undefined
  from?: Date | undefined
  /** Notices older than this id. */
  before?: string | undefined
  limit: number
}

export interface Notices {
  /** Tells it, through every active channel that wants it, unless that was done before. True where it was not. */
  raise(notice: NewNotice): Promise<boolean>
  /** A notice that went through one channel only, at once, and what came of it there. */
  record(notice: NewNotice & { id: string }, channelId: string, problem: string | undefined): Promise<void>
  byId(id: string): Promise<Notice | undefined>
  /** Newest first. */
  find(filter: NoticeFilter): Promise<Notice[]>
  /** Removes up to so many that are older than that, with what is known of their deliveries. How many it were. */
  prune(before: Date, most: number): Promise<number>
}

export function noticesIn(database: Database): Notices {
  return {
    async raise(notice) {
      const id = newId('notice', Date.now())
      // One statement: a notice that is there is on its way.
      const raised = await database.execute(sql`
        with raised as (
          insert into notices (id, kind, severity, subject, team_id, sentence, detail, created_at)
          values (${id}, ${notice.kind}, ${notice.severity}, ${notice.subject}, ${notice.teamId},
            ${notice.sentence}, ${JSON.stringify(notice.detail)}::jsonb, now())
          on conflict (subject) do nothing
          returning id, kind, team_id
        ), sent as (
          insert into deliveries (notice_id, channel_id, state, next_at)
          select raised.id, channels.id, 'waiting', now() from raised join channels
            on channels.state = 'active' and channels.archived_at is null
            and (channels.kinds is null or raised.kind = any(channels.kinds))
            and (channels.teams is null or raised.team_id = any(channels.teams))
        )
        select id from raised`)
      return returnedBy(raised).length > 0
    },
    async record(notice, channelId, problem) {
      const detail = JSON.stringify(notice.detail)
      await database.execute(sql`
        with raised as (
          insert into notices (id, kind, severity, subject, team_id, sentence, detail, created_at)
          values (${notice.id}, ${notice.kind}, ${notice.severity}, ${notice.subject}, ${notice.teamId},
            ${notice.sentence}, ${detail}::jsonb, now())
        )
        insert into deliveries (notice_id, channel_id, state, attempts, next_at, problem, delivered_at)
        values (${notice.id}, ${channelId}, ${problem === undefined ? 'delivered' : 'dead'}, 1, now(),
          ${problem ?? null}, ${problem === undefined ? sql`now()` : null})`)
    },
    async byId(id) {
      const [notice] = await database.select().from(notices).where(eq(notices.id, id))
      return notice
    },
    find: (filter) =>
      database
        .select()
        .from(notices)
        .where(and(...conditions(filter)))
        .orderBy(desc(notices.id))
        .limit(filter.limit),
    async prune(before, most) {
      const gone = await database.execute(sql`
        with gone as (
          delete from notices where id in (
            select id from notices where created_at < ${before.toISOString()}::timestamptz
            order by created_at limit ${most})
          returning id
        ), with_them as (
          delete from deliveries where notice_id in (select id from gone)
        )
        select id from gone`)
      return returnedBy(gone).length
    },
  }
}

function conditions({ kind, severity, teams, from, before }: NoticeFilter): SQL[] {
  const list: SQL[] = []
  if (kind) list.push(eq(notices.kind, kind))
  if (severity) list.push(eq(notices.severity, severity))
  if (teams) list.push(inArray(notices.teamId, [...teams]))
  if (from) list.push(gte(notices.createdAt, from))
  if (before) list.push(lt(notices.id, before))
  return list
}
