/** Users: who there is, and what they are to the whole installation. */
import { and, asc, eq, exists, gt, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import type { Scope } from './scope.ts'
import { memberships, users } from './tables/people.ts'

export type User = typeof users.$inferSelect
/** What is undefined stays as it is. */
export type UserChange = { [Field in Exclude<keyof User, 'id' | 'createdAt'>]?: User[Field] | undefined }

export interface Users {
  /** One that was not archived. */
  byId(id: string): Promise<User | undefined>
  /** The same; nobody else changes it before the transaction is over. */
  lock(id: string): Promise<User | undefined>
  /** Oldest first, after the given id; those whose name or e-mail begins with `search`. */
  list(page: {
    within: Scope
    search?: string | undefined
    after?: string | undefined
    limit: number
  }): Promise<User[]>
  /** @throws an error that `isTaken` knows, where somebody has this e-mail or subject. */
  create(user: User): Promise<void>
  /** Undefined where there is no such user. @throws as `create` does. */
  change(id: string, change: UserChange): Promise<User | undefined>
  /** Ids of the admins that can come in. Nobody changes any of them before the transaction is over. */
  lockAdmins(): Promise<string[]>
}

export function usersIn(database: Database): Users {
  const live = isNull(users.archivedAt)

  async function byId(id: string): Promise<User | undefined> {
    const [user] = await database
      .select()
      .from(users)
      .where(and(eq(users.id, id), live))
    return user
  }

  return {
    async lock(id) {
      const [user] = await database
        .select()
        .from(users)
        .where(and(eq(users.id, id), live))
        .for('update')
      return user
    },
    byId,
    list: ({ within, search, after, limit }) =>
      database
        .select()
        .from(users)
        .where(
          and(live, visible(database, within), beginning(search), after ? gt(users.id, after) : undefined),
        )
        .orderBy(asc(users.id))
        .limit(limit),
    async create(user) {
      await database.insert(users).values(user)
    },
    async change(id, change) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      const [user] = await database
        .update(users)
        .set(change)
        .where(and(eq(users.id, id), live))
        .returning()
      return user
    },
    async lockAdmins() {
      const admins = await database
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.role, 'admin'), live, isNull(users.deactivatedAt)))
        .orderBy(asc(users.id)) // in one order, so that no two wait for each other
        .for('update')
      return admins.map(({ id }) => id)
    },
  }
}

/** Oneself, and who is in one's teams. */
function visible(database: Database, { all, teams, userId }: Scope): SQL | undefined {
  if (all) return undefined
  const together = database
    .select({ one: sql`1` })
    .from(memberships)
    .where(and(eq(memberships.userId, users.id), inArray(memberships.teamId, [...teams])))
  return or(
    userId === undefined ? undefined : eq(users.id, userId),
    teams.length > 0 ? exists(together) : undefined,
    sql`false`,
  )
}

/** What is searched for is no pattern: `%` is found as it is written. */
function beginning(search: string | undefined): SQL | undefined {
  if (search === undefined) return undefined
  return sql`(starts_with(lower(${users.name}), lower(${search})) or starts_with(${users.email}, lower(${search})))`
}
