/** Teams: who spends together, and what they may. */
import { and, asc, eq, gt, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import type { Scope } from './scope.ts'
import { memberships, teams } from './tables/people.ts'

export type Team = typeof teams.$inferSelect
/** What is undefined stays as it is. */
export type TeamChange = { [Field in Exclude<keyof Team, 'id' | 'createdAt'>]?: Team[Field] | undefined }

export interface Teams {
  /** One that was not archived. */
  byId(id: string): Promise<Team | undefined>
  /** The same; nobody else changes it before the transaction is over. */
  lock(id: string): Promise<Team | undefined>
  /** Oldest first, after the given id; those whose name begins with `search`. */
  list(page: {
    within: Scope
    search?: string | undefined
    after?: string | undefined
    limit: number
  }): Promise<Team[]>
  /** @throws an error that `isTaken` knows, where there is a team of this name. */
  create(team: Team): Promise<void>
  /** Undefined where there is no such team. @throws as `create` does. */
  change(id: string, change: TeamChange): Promise<Team | undefined>
}

export function teamsIn(database: Database): Teams {
  const live = isNull(teams.archivedAt)

  async function byId(id: string): Promise<Team | undefined> {
    const [team] = await database
      .select()
      .from(teams)
      .where(and(eq(teams.id, id), live))
    return team
  }

  return {
    async lock(id) {
      const [team] = await database
        .select()
        .from(teams)
        .where(and(eq(teams.id, id), live))
        .for('update')
      return team
    },
    byId,
    list: ({ within, search, after, limit }) =>
      database
        .select()
        .from(teams)
        .where(
          and(
            live,
            visible(database, within),
            search === undefined ? undefined : sql`starts_with(lower(${teams.name}), lower(${search}))`,
            after === undefined ? undefined : gt(teams.id, after),
          ),
        )
        .orderBy(asc(teams.id))
        .limit(limit),
    async create(team) {
      await database.insert(teams).values(team)
    },
    async change(id, change) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      const [team] = await database
        .update(teams)
        .set(change)
        .where(and(eq(teams.id, id), live))
        .returning()
      return team
    },
  }
}

/** The teams somebody leads, and those they are in. */
function visible(database: Database, scope: Scope): SQL | undefined {
  if (scope.all) return undefined
  const { teams: led, userId } = scope
  const theirs = database
    .select({ id: memberships.teamId })
    .from(memberships)
    .where(eq(memberships.userId, userId ?? ''))
  return or(
    led.length > 0 ? inArray(teams.id, [...led]) : undefined,
    userId === undefined ? undefined : inArray(teams.id, theirs),
    sql`false`,
  )
}
