/** Limits of what has no row of its own: the organisation, and patterns of models. */
import { and, asc, eq } from 'drizzle-orm'
import type { Database } from './database.ts'
import { limits } from './tables/money.ts'

export type LimitRow = typeof limits.$inferSelect
type Subject = Pick<LimitRow, 'scope' | 'subject'>

export interface LimitRows {
  /** All of them: there are few. */
  all(): Promise<LimitRow[]>
  find(subject: Subject): Promise<LimitRow | undefined>
  put(row: LimitRow): Promise<void>
  /** Undefined where there was none. */
  remove(subject: Subject): Promise<LimitRow | undefined>
}

export function limitRowsIn(database: Database): LimitRows {
  const of = ({ scope, subject }: Subject) => and(eq(limits.scope, scope), eq(limits.subject, subject))
  return {
    all: () => database.select().from(limits).orderBy(asc(limits.scope), asc(limits.subject)),
    async find(subject) {
      const [row] = await database.select().from(limits).where(of(subject))
      return row
    },
    async put({ scope, subject, ...allowance }) {
      await database
        .insert(limits)
        .values({ scope, subject, ...allowance })
        .onConflictDoUpdate({ target: [limits.scope, limits.subject], set: allowance })
    },
    async remove(subject) {
      const [row] = await database.delete(limits).where(of(subject)).returning()
      return row
    },
  }
}
