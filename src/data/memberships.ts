/** Who is in which team, and as what. */
import { and, asc, eq, gt, inArray, isNull } from 'drizzle-orm'
import type { Database } from './database.ts'
import { memberships, teams, users } from './tables/people.ts'

export type Membership = typeof memberships.$inferSelect

/** Somebody in a team, as the team sees them. */
export interface Member {
  id: string
  name: string
  email: string | null
  role: Membership['role']
}

export interface Memberships {
  /** Who is in a team, by id, after the given one. */
  in(teamId: string, page: { after?: string | undefined; limit: number }): Promise<Member[]>
  /** What these users are in which teams; archived teams are left out. */
  of(userIds: readonly string[]): Promise<Membership[]>
  find(teamId: string, userId: string): Promise<Membership | undefined>
  /** Puts somebody into a team, or gives them another part in it. */
  put(membership: Membership): Promise<void>
  /** Undefined where they are not in it. */
  drop(teamId: string, userId: string): Promise<Membership | undefined>
}

export function membershipsIn(database: Database): Memberships {
  const isIn = (teamId: string, userId: string) =>
    and(eq(memberships.teamId, teamId), eq(memberships.userId, userId))
  return {
    in: (teamId, { after, limit }) =>
      database
        .select({ id: users.id, name: users.name, email: users.email, role: memberships.role })
        .from(memberships)
        .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.archivedAt)))
        .where(and(eq(memberships.teamId, teamId), after === undefined ? undefined : gt(users.id, after)))
        .orderBy(asc(users.id))
        .limit(limit),
    async of(userIds) {
      if (userIds.length === 0) return []
      const rows = await database
        .select({ membership: memberships })
        .from(memberships)
        .innerJoin(teams, and(eq(teams.id, memberships.teamId), isNull(teams.archivedAt)))
        .where(inArray(memberships.userId, [...userIds]))
        .orderBy(asc(memberships.teamId))
      return rows.map(({ membership }) => membership)
    },
    async find(teamId, userId) {
      const [found] = await database.select().from(memberships).where(isIn(teamId, userId))
      return found
    },
    async put(membership) {
      await database
        .insert(memberships)
        .values(membership)
        .onConflictDoUpdate({
          target: [memberships.teamId, memberships.userId],
          set: { role: membership.role },
        })
    },
    async drop(teamId, userId) {
      const [gone] = await database.delete(memberships).where(isIn(teamId, userId)).returning()
      return gone
    },
  }
}
