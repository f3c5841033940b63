/** Capabilities: what each upstream and model refused or took. */
import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { capabilities } from './tables/gateway.ts'

export type Capability = typeof capabilities.$inferSelect

export interface Capabilities {
  /** Everything that holds at this time. */
  all(now: Date): Promise<Capability[]>
  /** Notes verdicts; what an admin pinned stays as it is. */
  learn(lessons: readonly Capability[]): Promise<void>
  pin(capability: Capability): Promise<void>
  /** False where there is no such verdict. */
  forget(place: string, kind: Capability['kind'], name: string): Promise<boolean>
}

const KEY = [capabilities.place, capabilities.kind, capabilities.name]

const OVERWRITE = {
  verdict: sql`excluded.verdict`,
  pinned: sql`excluded.pinned`,
  learnedAt: sql`excluded.learned_at`,
  expiresAt: sql`excluded.expires_at`,
}

export function capabilitiesIn(database: Database): Capabilities {
  return {
    all: (now) =>
      database
        .select()
        .from(capabilities)
        .where(or(isNull(capabilities.expiresAt), gt(capabilities.expiresAt, now)))
        .orderBy(...KEY),
    async learn(lessons) {
      if (lessons.length === 0) return
      await database.delete(capabilities).where(lt(capabilities.expiresAt, sql`now()`))
      const unlessPinned = sql`not ${capabilities.pinned}`
      await database
        .insert(capabilities)
        .values([...lessons])
        .onConflictDoUpdate({ target: KEY, set: OVERWRITE, setWhere: unlessPinned })
    },
    async pin(capability) {
      await database
        .insert(capabilities)
        .values(capability)
        .onConflictDoUpdate({ target: KEY, set: OVERWRITE })
    },
    async forget(place, kind, name) {
      const gone = await database
        .delete(capabilities)
        .where(and(eq(capabilities.place, place), eq(capabilities.kind, kind), eq(capabilities.name, name)))
        .returning({ name: capabilities.name })
      return gone.length > 0
    },
  }
}
