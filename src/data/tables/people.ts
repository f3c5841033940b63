/** Who there is: users, teams, and the secrets that speak for them. What the ledger refers to is archived, not deleted. */
import { sql } from 'drizzle-orm'
import { boolean, index, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { allowance, instant } from './columns.ts'
import type { RoutingPolicy } from './upstreams.ts'

export const users = pgTable(
  'users',
  {
    id: text().primaryKey(),
    /** What the identity provider calls them; null until they have signed in. */
    subject: text().unique(),
    /** In lower case. */
    email: text(),
    name: text().notNull(),
    /** Of the whole installation. Who leads a team says the membership. */
    role: text({ enum: ['admin', 'auditor', 'member'] })
      .notNull()
      .default('member'),
    ...allowance(),
    createdAt: instant('created_at').notNull(),
    /** While it is set, nothing that is theirs works; what was stopped before stays stopped after. */
    deactivatedAt: instant('deactivated_at'),
    archivedAt: instant('archived_at'),
  },
  (table) => [uniqueIndex('users_email').on(table.email).where(sql`${table.archivedAt} is null`)],
)

export const teams = pgTable(
  'teams',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** Patterns of model names, `*` for any run of characters; null is every model. */
    models: text().array(),
    /** Patterns that are refused even so. */
    deniedModels: text('denied_models').array(),
    /** Null is the organisation's. */
    routing: jsonb().$type<RoutingPolicy>(),
    ...allowance(),
    createdAt: instant('created_at').notNull(),
    archivedAt: instant('archived_at'),
  },
  (table) => [
    uniqueIndex('teams_name').on(sql`lower(${table.name})`).where(sql`${table.archivedAt} is null`),
  ],
)

export const memberships = pgTable(
  'memberships',
  {
    teamId: text('team_id').notNull(),
    userId: text('user_id').notNull(),
    role: text({ enum: ['lead', 'member'] })
      .notNull()
      .default('member'),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.teamId, table.userId] }),
    index('memberships_user').on(table.userId),
  ],
)

/** Secrets that developers call with. A deleted key keeps its row: the ledger refers to it. */
export const keys = pgTable(
  'keys',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** Whose it is, and for which team it spends. */
    userId: text('user_id'),
    teamId: text('team_id'),
    /** SHA-256 of the whole secret, hexadecimal. The secret itself is nowhere. */
    hash: text().notNull().unique(),
    /** The first characters, to tell keys apart by. */
    hint: text().notNull(),
    /** The secret before this one, which works until then. There are never more than two. */
    previousHash: text('previous_hash').unique(),
    previousHint: text('previous_hint'),
    previousUntil: instant('previous_until'),
    /** Names it may use, `*` for any run of characters; null is every model. */
    models: text().array(),
    /** Patterns that are refused even so. */
    deniedModels: text('denied_models').array(),
    ...allowance(),
    /** Ranges of addresses it may be used from, as in `10.0.0.0/8`; null is everywhere. */
    addresses: text().array(),
    /** Who made it: an actor, as the audit log names them. */
    createdBy: text('created_by'),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    disabledAt: instant('disabled_at'),
    deletedAt: instant('deleted_at'),
  },
  (table) => [index('keys_user').on(table.userId), index('keys_team').on(table.teamId)],
)

/** Secrets for the admin API. Each speaks for a user, with what that user may do. */
export const tokens = pgTable(
  'tokens',
  {
    id: text().primaryKey(),
    userId: text('user_id').notNull(),
    name: text().notNull(),
    hash: text().notNull().unique(),
    hint: text().notNull(),
    /** Reads only, whatever the user may change. */
    readOnly: boolean('read_only').notNull().default(false),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (table) => [index('tokens_user').on(table.userId)],
)
