/**
 * The audit log: entries are numbered without gaps, and each holds the hash of the one before it with its own, so that
 * one that was changed, taken out or moved shows.
 */
import { and, asc, desc, eq, gte, lt, sql } from 'drizzle-orm'
import { canonical } from '../protocol/canonical.ts'
import { webHashes } from '../protocol/hashes.ts'
import type { Database } from './database.ts'
import { audit } from './tables/audit.ts'

export type AuditRow = typeof audit.$inferSelect
/** An entry before it has its place in the chain. */
export type AuditEntry = Omit<AuditRow, 'number' | 'hash'>

export interface AuditFilter {
  actor?: string | undefined
  target?: string | undefined
  /** Whole, or up to a dot: `key` is everything that is done to keys. */
  action?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
}

export interface Audit {
  /** Puts an entry at the end of the chain. */
  append(entry: AuditEntry): Promise<AuditRow>
  /** Newest first, before the given number. */
  find(filter: AuditFilter & { before?: number | undefined; limit: number }): Promise<AuditRow[]>
  /** Oldest first, after the given number: the chain, a piece at a time. */
  chain(filter: AuditFilter & { after: number; limit: number }): Promise<AuditRow[]>
}

/** What the first entry is chained to. */
export const GENESIS = ''

export function auditIn(database: Database): Audit {
  async function tryAppend(entry: AuditEntry): Promise<AuditRow | undefined> {
    const [last] = await database.select().from(audit).orderBy(desc(audit.number)).limit(1)
    const numbered = { ...entry, number: (last?.number ?? 0) + 1 }
    const hash = await hashOfEntry(last?.hash ?? GENESIS, numbered)
    const [row] = await database
      .insert(audit)
      .values({ ...numbered, hash })
      .onConflictDoNothing()
      .returning()
    return row
  }

  return {
    async append(entry) {
      // Somebody else may take the place first, in which case there is one more to be chained to.
      for (;;) {
        const row = await tryAppend(entry)
        if (row) return row
      }
    },
    find: ({ before, limit, ...filter }) =>
      database
        .select()
        .from(audit)
        .where(and(matching(filter), before === undefined ? undefined : lt(audit.number, before)))
        .orderBy(desc(audit.number))
        .limit(limit),
    chain: ({ after, limit, ...filter }) =>
      database
        .select()
        .from(audit)
        .where(and(matching(filter), gte(audit.number, after + 1)))
        .orderBy(asc(audit.number))
        .limit(limit),
  }
}

function matching({ actor, target, action, from, to }: AuditFilter) {
  return and(
    actor === undefined ? undefined : eq(audit.actor, actor),
    target === undefined ? undefined : eq(audit.target, target),
    action === undefined
      ? undefined
      : sql`(${audit.action} = ${action} or starts_with(${audit.action}, ${`${action}.`}))`,
    from && gte(audit.at, from),
    to && lt(audit.at, to),
  )
}

/** What is hashed of an entry, and exported: everything it says, times as text. */
export function signedText(entry: Omit<AuditRow, 'hash'>) {
  const { number, at, actor, actorName, action, target, before, after, address, requestId, breakGlass } =
    entry
  const rest = { actor, actorName, action, target, before, after, address, requestId, breakGlass }
  return { number, at: at.toISOString(), ...rest }
}

/** The hash of an entry in its place: over the hash before it, and over what it says. */
export async function hashOfEntry(previous: string, entry: Omit<AuditRow, 'hash'>): Promise<string> {
  return webHashes.sha256(previous + canonical(signedText(entry)))
}
