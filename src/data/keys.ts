/** Keys: developers' secrets, by their hash. */
import { and, asc, eq, gt, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { type Scope, within } from './scope.ts'
import { keys, memberships, teams, users } from './tables/people.ts'
import type { Team } from './teams.ts'
import type { User } from './users.ts'

export type Key = typeof keys.$inferSelect
/** What is undefined stays as it is. */
export type KeyChange = {
  [Field in Exclude<keyof Key, 'id' | 'userId' | 'teamId' | 'createdAt' | 'createdBy'>]?:
    | Key[Field]
    | undefined
}

/** A key with what else decides whether it works: all of it is looked up at once. */
export interface KeyStanding {
  key: Key
  /** Whose it is, deactivated or archived as they may be; and the team it spends for. */
  user: User | null
  team: Team | null
  /** Whether the user is in the team; true where it has not both. */
  isMember: boolean
}

export interface Keys {
  /** By the hash of its secret, or of the one before; a key that was not deleted, disabled or not. */
  byHash(hash: string): Promise<KeyStanding | undefined>
  byId(id: string): Promise<Key | undefined>
  /** The same; nobody else changes it before the transaction is over. */
  lock(id: string): Promise<Key | undefined>
  /** Oldest first, after the given id. */
  list(page: {
    within?: Scope
    user?: string | undefined
    team?: string | undefined
    search?: string | undefined
    after?: string | undefined
    limit: number
  }): Promise<Key[]>
  create(key: Key): Promise<void>
  /** Undefined where there is no such key, or none that still has the secret with this hash. */
  change(id: string, change: KeyChange, still?: { hash: string }): Promise<Key | undefined>
  /** Undefined where there is no such key. */
  remove(id: string, at: Date): Promise<Key | undefined>
  /** Hashes of every secret that works for this user, or this team. */
  hashesOf(owner: { userId: string } | { teamId: string }): Promise<string[]>
  /** Notes that it was used, unless that was noted since `unless`. */
  touch(id: string, at: Date, unless: Date): Promise<void>
}

export function keysIn(database: Database): Keys {
  const live = isNull(keys.deletedAt)

  async function byId(id: string): Promise<Key | undefined> {
    const [key] = await database
      .select()
      .from(keys)
      .where(and(eq(keys.id, id), live))
    return key
  }

  return {
    async lock(id) {
      const [key] = await database
        .select()
        .from(keys)
        .where(and(eq(keys.id, id), live))
        .for('update')
      return key
    },
    byHash: (hash) => standingOf(database, and(live, or(eq(keys.hash, hash), eq(keys.previousHash, hash)))),
    byId,
    list({ within: scope, user, team, search, after, limit }) {
      const matching = and(
        live,
        scope && within(scope, { team: keys.teamId, user: keys.userId }),
        user === undefined ? undefined : eq(keys.userId, user),
        team === undefined ? undefined : eq(keys.teamId, team),
        search === undefined ? undefined : sql`starts_with(lower(${keys.name}), lower(${search}))`,
        after === undefined ? undefined : gt(keys.id, after),
      )
      return database.select().from(keys).where(matching).orderBy(asc(keys.id)).limit(limit)
    },
    async create(key) {
      await database.insert(keys).values(key)
    },
    async change(id, change, still) {
      if (Object.values(change).every((value) => value === undefined)) return byId(id)
      const [key] = await database
        .update(keys)
        .set(change)
        .where(and(eq(keys.id, id), live, still && eq(keys.hash, still.hash)))
        .returning()
      return key
    },
    async remove(id, at) {
      const [key] = await database
        .update(keys)
        .set({ deletedAt: at })
        .where(and(eq(keys.id, id), live))
        .returning()
      return key
    },
    async hashesOf(owner) {
      const theirs = 'userId' in owner ? eq(keys.userId, owner.userId) : eq(keys.teamId, owner.teamId)
      const rows = await database
        .select({ hash: keys.hash, previousHash: keys.previousHash })
        .from(keys)
        .where(and(theirs, live))
      return rows.flatMap(({ hash, previousHash }) => (previousHash === null ? [hash] : [hash, previousHash]))
    },
    async touch(id, at, unless) {
      await database
        .update(keys)
        .set({ lastUsedAt: at })
        .where(and(eq(keys.id, id), or(isNull(keys.lastUsedAt), lt(keys.lastUsedAt, unless))))
    },
  }
}

async function standingOf(database: Database, which: SQL | undefined): Promise<KeyStanding | undefined> {
  const [found] = await database
    .select({
      key: keys,
      user: users,
      team: teams,
      isMember: sql<boolean>`${keys.userId} is null or ${keys.teamId} is null or ${isNotNull(memberships.userId)}`,
    })
    .from(keys)
    .leftJoin(users, eq(users.id, keys.userId))
    .leftJoin(teams, eq(teams.id, keys.teamId))
    .leftJoin(memberships, and(eq(memberships.teamId, keys.teamId), eq(memberships.userId, keys.userId)))
    .where(which)
  return found
}
