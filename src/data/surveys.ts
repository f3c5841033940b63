/** What was found out about upstreams: found out by one replica, known to all. */
import { eq, isNull, lt, or, sql } from 'drizzle-orm'
import type { Findings } from '../protocol/findings.ts'
import type { Database } from './database.ts'
import { surveys } from './tables/upstreams.ts'

export type SurveyRow = typeof surveys.$inferSelect

export interface Surveys {
  all(): Promise<SurveyRow[]>
  /**
   * True for exactly one of those who ask, until the time that it says: it is to find out, and then `keep`. Nobody gets
   * it where what is known is not older than `unless`.
   */
  claim(upstreamId: string, claim: { at: Date; until: Date; unless: Date }): Promise<boolean>
  /** Also ends the claim. */
  keep(upstreamId: string, findings: Findings, at: Date): Promise<void>
  forget(upstreamId: string): Promise<void>
}

const NEVER = new Date(0)

export function surveysIn(database: Database): Surveys {
  return {
    all: () => database.select().from(surveys),
    async claim(upstreamId, { at, until, unless }) {
      const won = await database
        .insert(surveys)
        .values({ upstreamId, findings: { checks: [] }, at: NEVER, claimedUntil: until })
        .onConflictDoUpdate({
          target: surveys.upstreamId,
          set: { claimedUntil: until },
          setWhere: sql`${lt(surveys.at, unless)} and ${or(isNull(surveys.claimedUntil), lt(surveys.claimedUntil, at))}`,
        })
        .returning({ id: surveys.upstreamId })
      return won.length > 0
    },
    async keep(upstreamId, findings, at) {
      const told = { findings, at, claimedUntil: null }
      await database
        .insert(surveys)
        .values({ upstreamId, ...told })
        .onConflictDoUpdate({ target: surveys.upstreamId, set: told })
    },
    async forget(upstreamId) {
      await database.delete(surveys).where(eq(surveys.upstreamId, upstreamId))
    },
  }
}
