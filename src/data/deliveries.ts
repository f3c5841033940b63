/**
 * Deliveries: which notice goes through which channel, and what became of it. Who delivers first moves the next attempt
 * on, so that no other replica tries meanwhile; one that dies over it leaves the delivery to the next.
 */
import { and, count, desc, eq, gte, inArray, isNull, lt, lte, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { channels, deliveries, notices } from './tables/notices.ts'

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
  /** The active channels that something waits for whose time has come. */
  due(): Promise<string[]>
  /**
   * One of an active channel whose time has come, the longest due first. Nobody else gets it for `lease` milliseconds, by
   * the clock of the database.
   */
  claim(channelId: string, lease: number): Promise<Claim | undefined>
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
  return { ...turnsIn(database), ...historyIn(database) }
}

type Turns = Pick<Deliveries, 'due' | 'claim' | 'delivered' | 'failed'>

function turnsIn(database: Database): Turns {
  const late = (milliseconds: number) => sql`now() + ${milliseconds} * interval '1 millisecond'`
  const of = ({ noticeId, channelId }: Claim) =>
    and(eq(deliveries.noticeId, noticeId), eq(deliveries.channelId, channelId))

  return {
    async due() {
      const due = await database
        .selectDistinct({ channelId: deliveries.channelId })
        .from(deliveries)
        .innerJoin(channels, eq(channels.id, deliveries.channelId))
        .where(and(IS_DUE, IS_ACTIVE))
      return due.map(({ channelId }) => channelId)
    },
    async claim(channelId, lease) {
      const next = database
        .select({ noticeId: deliveries.noticeId })
        .from(deliveries)
        .where(and(eq(deliveries.channelId, channelId), IS_DUE))
        .orderBy(deliveries.nextAt, deliveries.noticeId)
        .limit(1)
        .for('update', { skipLocked: true })
      const isActive = sql`exists (select 1 from ${channels} where ${channels.id} = ${channelId} and ${IS_ACTIVE})`
      const [claim] = await database
        .update(deliveries)
        .set({ attempts: sql`${deliveries.attempts} + 1`, nextAt: late(lease) })
        .where(and(eq(deliveries.channelId, channelId), sql`${deliveries.noticeId} = (${next})`, isActive))
        .returning({
          noticeId: deliveries.noticeId,
          channelId: deliveries.channelId,
          attempts: deliveries.attempts,
        })
      return claim
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
  }
}

function historyIn(database: Database): Omit<Deliveries, keyof Turns> {
  return {
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

const IS_DUE = and(eq(deliveries.state, 'waiting'), lte(deliveries.nextAt, sql`now()`))
const IS_ACTIVE = and(eq(channels.state, 'active'), isNull(channels.archivedAt))

function conditions({ noticeId, channelId, state, before }: DeliveryFilter): SQL[] {
  const list: SQL[] = []
  if (noticeId) list.push(eq(deliveries.noticeId, noticeId))
  if (channelId) list.push(eq(deliveries.channelId, channelId))
  if (state) list.push(eq(deliveries.state, state))
  if (before) list.push(lt(deliveries.noticeId, before))
  return list
}
