/** What of a table somebody may see or change: all of it, or what belongs to their teams and to them. */
import { eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'

export interface Scope {
  all: boolean
  /** What belongs to one of these teams, by id. */
  teams: readonly string[]
  /** What belongs to this user. */
  userId: string | undefined
}

/** A condition on rows that name the team and the user they belong to; undefined is no condition. */
export function within(scope: Scope, owner: { team?: PgColumn; user?: PgColumn }): SQL | undefined {
  if (scope.all) return undefined
  const { team, user } = owner
  return or(
    team && scope.teams.length > 0 ? inArray(team, [...scope.teams]) : undefined,
    user && scope.userId !== undefined ? eq(user, scope.userId) : undefined,
    sql`false`,
  )
}
