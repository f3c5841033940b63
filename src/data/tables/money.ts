/** What may be used, what may be spent, and what it costs. */
import { sql } from 'drizzle-orm'
import { integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { allowance, instant, nano } from './columns.ts'

/** What may be sent by what has no row of its own. */
export const limits = pgTable(
  'limits',
  {
    scope: text({ enum: ['organisation', 'model'] }).notNull(),
    /** A pattern of model names; empty for the organisation. */
    subject: text().notNull(),
    ...allowance(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.subject] })],
)

/** What happens at a percentage of a budget. */
export interface Rule {
  /** Percent of the cap; above 100 for a budget that is to be overrun. */
  at: number
  action: 'notify' | 'slow' | 'step_down' | 'block'
  /** Of `slow`. */
  requestsPerMinute?: number
  /** Of `step_down`: the model that answers instead. */
  model?: string
}

/** What may be spent in a window. Of one subject, model and window there is one budget; several windows may hold. */
export const budgets = pgTable(
  'budgets',
  {
    id: text().primaryKey(),
    /** `member`: each user of that team without a budget of their own; `everybody`: each user without either. */
    scope: text({ enum: ['organisation', 'team', 'user', 'key', 'member', 'everybody'] }).notNull(),
    /** The id of what it is for; empty for the organisation and for everybody. */
    subject: text().notNull(),
    /** Counts only models that match this pattern; empty is all of them. */
    model: text().notNull().default(''),
    window: text({ enum: ['day', 'week', 'month', 'quarter', 'rolling'] }).notNull(),
    /** Of a rolling window, in hours; else zero. */
    hours: integer().notNull().default(0),
    /** Null is no cap, which sets a user apart from the default; 0 is nothing at all. */
    capNano: nano('cap_nano'),
    /** In ascending order of `at`; at most five. */
    rules: jsonb().$type<readonly Rule[]>().notNull(),
    /** Added to the cap until then. */
    raiseNano: nano('raise_nano'),
    raiseUntil: instant('raise_until'),
    createdAt: instant('created_at').notNull(),
    archivedAt: instant('archived_at'),
  },
  (table) => [
    uniqueIndex('budgets_subject')
      .on(table.scope, table.subject, table.model, table.window, table.hours)
      .where(sql`${table.archivedAt} is null`),
  ],
)

/** Micro-dollars per million tokens, which is a pico-dollar a token. Writes that are not said follow from the input. */
export interface Rates {
  input: number
  output: number
  cacheRead: number
  cacheWrite5m?: number
  cacheWrite1h?: number
}

/** What admins, or AWS's price list, say beside the prices that the release ships. */
export const prices = pgTable(
  'prices',
  {
    id: text().primaryKey(),
    /** Empty is every one of them. */
    provider: text().notNull(),
    model: text().notNull(),
    /** `global`, `us`, `geographic`, `region` …: as charged; empty is the price that all of them follow from. */
    regionClass: text('region_class').notNull().default(''),
    /** The service tier; empty is the standard one. */
    tier: text().notNull().default(''),
    /** The first day it holds, UTC: `2026-11-20`. */
    from: text().notNull(),
    rates: jsonb().$type<Rates>().notNull(),
    /** The whole request is charged at these rates where its prompt has more tokens. */
    long: jsonb().$type<{ above: number; rates: Rates }>(),
    source: text({ enum: ['admin', 'aws'] }).notNull(),
    createdBy: text('created_by'),
    createdAt: instant('created_at').notNull(),
    archivedAt: instant('archived_at'),
  },
  (table) => [
    uniqueIndex('prices_day').on(
      table.provider,
      table.model,
      table.regionClass,
      table.tier,
      table.from,
      table.id,
    ),
  ],
)
