/** Tokens: users' secrets for the admin API, by their hash. */
import { and, asc, eq, gt, isNull, lt, or } from 'drizzle-orm'
import type { Database } from './database.ts'
import { type Scope, within } from './scope.ts'
import { tokens, users } from './tables/people.ts'
import type { User } from './users.ts'

export type Token = typeof tokens.$inferSelect

export interface Tokens {
  /** One that was not revoked, expired or not, with the user it speaks for, who may be deactivated or archived. */
  byHash(hash: string): Promise<{ token: Token; user: User } | undefined>
  /** One that was not revoked. */
  byId(id: string): Promise<Token | undefined>
  /** Oldest first, after the given id. */
  list(page: {
    within: Scope
    user?: string | undefined
    after?: string | undefined
    limit: number
  }): Promise<Token[]>
  create(token: Token): Promise<void>
  /** Undefined where there is no such token. */
  revoke(id: string, at: Date): Promise<Token | undefined>
  /** Notes that it was used, unless that was noted since `unless`. */
  touch(id: string, at: Date, unless: Date): Promise<void>
}

export function tokensIn(database: Database): Tokens {
  const live = isNull(tokens.revokedAt)
  return {
    async byHash(hash) {
      const [found] = await database
        .select({ token: tokens, user: users })
        .from(tokens)
        .innerJoin(users, eq(users.id, tokens.userId))
        .where(and(eq(tokens.hash, hash), live))
      return found
    },
    async byId(id) {
      const [token] = await database
        .select()
        .from(tokens)
        .where(and(eq(tokens.id, id), live))
      return token
    },
    list: ({ within: scope, user, after, limit }) =>
      database
        .select()
        .from(tokens)
        .where(
          and(
            live,
            within(scope, { user: tokens.userId }),
            user === undefined ? undefined : eq(tokens.userId, user),
            after === undefined ? undefined : gt(tokens.id, after),
          ),
        )
        .orderBy(asc(tokens.id))
        .limit(limit),
    async create(token) {
      await database.insert(tokens).values(token)
    },
    async revoke(id, at) {
      const [token] = await database
        .update(tokens)
        .set({ revokedAt: at })
        .where(and(eq(tokens.id, id), live))
        .returning()
      return token
    },
    async touch(id, at, unless) {
      await database
        .update(tokens)
        .set({ lastUsedAt: at })
        .where(and(eq(tokens.id, id), or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, unless))))
    },
  }
}
