/** Teams, and who is in them. */
import { and, asc, eq, gt, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import type { Scope } from './scope.ts'
import { memberships, teams, users } from './tables/people.ts'

export type Team = typeof teams.$inferSelect
export type Membership = typeof memberships.$inferSelect
/** What is undefined stays as it is. */
export type TeamChange = { [Field in Exclude<keyof Team, 'id' | 'createdAt'>]?: Team[Field] | undefined }

/** Somebody in a team, as the team sees them. */
export interface Member {
  userId: string
  name: string
  email: string | null
  role: Membership['role']
}

export interface Teams {
  /** One that was not archived. */
  byId(id: string): Promise<Team | undefined>
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
  /** Who is in it, by id, after the given one. */
  members(id: string, page: { after?: string | undefined; limit: number }): Promise<Member[]>
  /** What these users are in which teams; archived teams are left out. */
  membershipsOf(userIds: readonly string[]): Promise<Membership[]>
  membership(teamId: string, userId: string): Promise<Membership | undefined>
  /** Puts somebody into a team, or gives them another part in it. */
  putMember(membership: Membership): Promise<void>
  dropMember(teamId: string, userId: string): Promise<Membership | undefined>
}

export function teamsIn(database: Database): Teams {
  const live = isNull(teams.archivedAt)
  const isIn = (teamId: string, userId: string) =>
    and(eq(memberships.teamId, teamId), eq(memberships.userId, userId))

  async function byId(id: string): Promise<Team | undefined> {
    const [team] = await database
      .select()
      .from(teams)
      .where(and(eq(teams.id, id), live))
    return team
  }

  return {
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
    members: (id, { after, limit }) =>
      database
        .select({ userId: users.id, name: users.name, email: users.email, role: memberships.role })
        .from(memberships)
        .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.archivedAt)))
        .where(and(eq(memberships.teamId, id), after === undefined ? undefined : gt(users.id, after)))
        .orderBy(asc(users.id))
        .limit(limit),
    async membershipsOf(userIds) {
      if (userIds.length === 0) return []
      const rows = await database
        .select({ membership: memberships })
        .from(memberships)
        .innerJoin(teams, and(eq(teams.id, memberships.teamId), live))
        .where(inArray(memberships.userId, [...userIds]))
        .orderBy(asc(memberships.teamId))
      return rows.map(({ membership }) => membership)
    },
    async membership(teamId, userId) {
      const [found] = await database.select().from(memberships).where(isIn(teamId, userId))
      return found
    },
    async putMember(membership) {
      await database
        .insert(memberships)
        .values(membership)
        .onConflictDoUpdate({
          target: [memberships.teamId, memberships.userId],
          set: { role: membership.role },
        })
    },
    async dropMember(teamId, userId) {
      const [gone] = await database.delete(memberships).where(isIn(teamId, userId)).returning()
      return gone
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
