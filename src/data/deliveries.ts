/**
 * Deliveries: which notice goes through which channel, and what became of it. Who delivers first moves the next attempt
 * on, so that no other replica tries meanwhile; one that dies over it leaves the delivery to the next.
 */
import { and, count, desc, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { type Database, returnedBy } from './database.ts'
import { deliveries, notices } from './tables/notices.ts'

export type Delivery = typeof deliveries.$inferSelect
/** A delivery with what it is about. */
export type TrackedDelivery = Delivery & { kind: string; sentence: string }

/** A delivery that this process has for as long as it was leased. */
export interface Claim {
  noticeId: string
  channelId: string
  /** This one included. */
  attempts: number
}

export interface DeliveryFilter {
  noticeId?: string
  channelId?: string
  state?: Delivery['state'] | undefined
  /** Of notices older than this one. */
  before?: string | undefined
  limit: number
}

export interface Deliveries {
  /**
   * Up to so many of each active channel, whose time has come: one that is stuck keeps no other one waiting. Nobody
   * else gets these for `lease` milliseconds, by the clock of the database.
   */
  claim(lease: number, mostOfEach: number): Promise<Claim[]>
  delivered(claim: Claim): Promise<void>
  /** To be tried again after so many milliseconds; never, where none are said. */
  failed(claim: Claim, problem: string, pause: number | undefined): Promise<void>
  /** Newest first. */
  find(filter: DeliveryFilter): Promise<TrackedDelivery[]>
  /** What waits or is dead is tried anew, at once and from the first attempt, tests aside. How many it are. */
  retry(channelId: string, since: Date): Promise<number>
  /** Nothing goes through it any more. */
  abandon(channelId: string, problem: string): Promise<void>
  /** What has waited since before that is dead: nobody wants to hear of it now. */
  expire(before: Date, problem: string): Promise<number>
  /** How many there are of each state, by channel. */
  tally(
    channelIds: readonly string[],
  ): Promise<{ channelId: string; state: Delivery['state']; count: number }[]>
}

export function deliveriesIn(database: Database): Deliveries {
  const late = (milliseconds: number) => sql`now() + ${milliseconds} * interval '1 millisecond'`
  const of = ({ noticeId, channelId }: Claim) =>
    and(eq(deliveries.noticeId, noticeId), eq(deliveries.channelId, channelId))

  return {
    async claim(lease, mostOfEach) {
      const claimed = await database.execute(sql`
        with due as materialized (
          select waiting.notice_id, waiting.channel_id from channels cross join lateral (
            select notice_id, channel_id from deliveries
            where channel_id = channels.id and state = 'waiting' and next_at <= now()
            order by next_at limit ${mostOfEach} for update skip locked
          ) waiting where channels.state = 'active' and channels.archived_at is null
        )
        update deliveries set attempts = attempts + 1, next_at = ${late(lease)} from due
        where deliveries.notice_id = due.notice_id and deliveries.channel_id = due.channel_id
        returning deliveries.notice_id, deliveries.channel_id, deliveries.attempts`)
      return returnedBy(claimed).map((row) => ({
        noticeId: String(row['notice_id']),
        channelId: String(row['channel_id']),
        attempts: Number(row['attempts']),
      }))
    },
    async delivered(claim) {
      await database
        .update(deliveries)
        .set({ state: 'delivered', deliveredAt: sql`now()`, problem: null })
        .where(of(claim))
    },
    async failed(claim, problem, pause) {
      const next = pause === undefined ? { state: 'dead' as const } : { nextAt: late(pause) }
      // Unless it took longer than its lease, and another one has it now.
      const mine = and(of(claim), eq(deliveries.state, 'waiting'), eq(deliveries.attempts, claim.attempts))
      await database
        .update(deliveries)
        .set({ problem, ...next })
        .where(mine)
    },
    async find(filter) {
      const found = await database
        .select({ delivery: deliveries, kind: notices.kind, sentence: notices.sentence })
        .from(deliveries)
        .innerJoin(notices, eq(notices.id, deliveries.noticeId))
        .where(and(...conditions(filter)))
        .orderBy(desc(deliveries.noticeId), desc(deliveries.channelId))
        .limit(filter.limit)
      return found.map(({ delivery, ...about }) => ({ ...delivery, ...about }))
    },
    async retry(channelId, since) {
      const about = sql`exists (select 1 from ${notices} where ${notices.id} = ${deliveries.noticeId} and ${notices.kind} <> 'test' and ${gte(notices.createdAt, since)})`
      const again = await database
        .update(deliveries)
        .set({ state: 'waiting', attempts: 0, nextAt: sql`now()` })
        .where(
          and(eq(deliveries.channelId, channelId), inArray(deliveries.state, ['waiting', 'dead']), about),
        )
        .returning({ id: deliveries.noticeId })
      return again.length
    },
    async abandon(channelId, problem) {
      await database
        .update(deliveries)
        .set({ state: 'dead', problem })
        .where(and(eq(deliveries.channelId, channelId), eq(deliveries.state, 'waiting')))
    },
    async expire(before, problem) {
      const older = sql`exists (select 1 from ${notices} where ${notices.id} = ${deliveries.noticeId} and ${lt(notices.createdAt, before)})`
      const over = await database
        .update(deliveries)
        .set({ state: 'dead', problem })
        .where(and(eq(deliveries.state, 'waiting'), older))
        .returning({ id: deliveries.noticeId })
      return over.length
    },
    tally: (channelIds) =>
      database
        .select({ channelId: deliveries.channelId, state: deliveries.state, count: count() })
        .from(deliveries)
        .where(inArray(deliveries.channelId, [...channelIds]))
        .groupBy(deliveries.channelId, deliveries.state),
  }
}

function conditions({ noticeId, channelId, state, before }: DeliveryFilter): SQL[] {
  const list: SQL[] = []
  if (noticeId) list.push(eq(deliveries.noticeId, noticeId))
  if (channelId) list.push(eq(deliveries.channelId, channelId))
  if (state) list.push(eq(deliveries.state, state))
  if (before) list.push(lt(deliveries.noticeId, before))
  return list
}
