/** Where calls may be sent, how they are sent there, and what was found out about each place. */
import { sql } from 'drizzle-orm'
import { boolean, integer, jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type { Findings } from '../../protocol/findings.ts'
import type { Settings } from '../../protocol/settings.ts'
import { instant } from './columns.ts'

/**
 * Upstreams that admins have set up. Those that the environment describes (`default`, and `anthropic` or `vertex` beside
 * it) are there without a row; a row with such an id says what an admin has changed of it, its settings staying the
 * environment's.
 */
export const upstreams = pgTable(
  'upstreams',
  {
    id: text().primaryKey(),
    /** Which account, by which way in: `bedrock`, `claude-platform`, `anthropic`, `vertex`; `environment` for its own. */
    kind: text().notNull(),
    name: text().notNull(),
    /** Null where the kind has none, and for the environment's. */
    region: text(),
    /** The wire form: `auto` is the kind's own choice. */
    transport: text().notNull().default('auto'),
    settings: jsonb().$type<Settings>().notNull(),
    /** Sealed. */
    secrets: text(),
    /** The lower ones are tried first, where the strategy goes by it. */
    priority: integer().notNull().default(0),
    /** The share of those that weigh alike; 0 takes no new session. */
    weight: integer().notNull().default(1),
    enabled: boolean().notNull().default(true),
    createdAt: instant('created_at').notNull(),
    archivedAt: instant('archived_at'),
  },
  (table) => [
    uniqueIndex('upstreams_name').on(sql`lower(${table.name})`).where(sql`${table.archivedAt} is null`),
  ],
)

/** What was found out about an upstream without sending it a call; the latest of it, for every replica. */
export const surveys = pgTable('surveys', {
  upstreamId: text('upstream_id').primaryKey(),
  findings: jsonb().$type<Findings>().notNull(),
  /** When it was found out. */
  at: instant('at').notNull(),
  /** A replica is finding out anew until then; the others need not. */
  claimedUntil: instant('claimed_until'),
})

export const STRATEGIES = ['sticky', 'priority', 'weighted', 'least_loaded'] as const
export type Strategy = (typeof STRATEGIES)[number]

/** How calls find their upstream: a team's own, over the organisation's. What is not said is left to the latter. */
export interface RoutingPolicy {
  strategy?: Strategy
  /** Ids of upstreams; null is every one. */
  upstreams?: readonly string[] | null
  /** `bedrock`, `anthropic`, `vertex`; null is every one. */
  providers?: readonly string[] | null
  /** Where calls may run: `eu`, `us`, `global`, or a region such as `eu-west-1`; null is wherever an upstream runs them. */
  geographies?: readonly string[] | null
  /** By pattern of model names: the models that answer instead where no upstream can serve one, in order. */
  stepDown?: Readonly<Record<string, readonly string[]>>
  /** How long a call may be kept waiting for room before it is refused or moved, in milliseconds. */
  patience?: number
}
