/** What people are told, through which channels, and what became of it. */
import { sql } from 'drizzle-orm'
import { index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'

export const notices = pgTable(
  'notices',
  {
    id: text().primaryKey(),
    kind: text().notNull(),
    severity: text({ enum: ['info', 'warning', 'critical'] }).notNull(),
    /** What it is about, such as a budget and its window: of one kind and subject there is one notice. */
    subject: text().notNull().unique(),
    teamId: text('team_id'),
    /** One sentence for people, and the figures behind it. */
    sentence: text().notNull(),
    detail: jsonb().$type<Readonly<Record<string, string | number | null>>>().notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [index('notices_created').on(table.createdAt)],
)

export const channels = pgTable('channels', {
  id: text().primaryKey(),
  kind: text().notNull(),
  name: text().notNull(),
  settings: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
  /** Sealed under SECRET_KEY; null where this kind has none. */
  secrets: text(),
  /** A draft becomes active by a test that came through; changing its settings makes it a draft again. */
  state: text({ enum: ['draft', 'active', 'off'] }).notNull(),
  testedAt: instant('tested_at'),
  /** Kinds of notice and teams it is for; null is all of them. */
  kinds: text().array(),
  teams: text().array(),
  createdAt: instant('created_at').notNull(),
  archivedAt: instant('archived_at'),
})

export const deliveries = pgTable(
  'deliveries',
  {
    noticeId: text('notice_id').notNull(),
    channelId: text('channel_id').notNull(),
    state: text({ enum: ['waiting', 'delivered', 'dead'] }).notNull(),
    attempts: integer().notNull().default(0),
    /** When it is to be tried next; a process that tries moves it on first, so that no other one does as well. */
    nextAt: instant('next_at').notNull(),
    /** What went wrong last: a code or a status, never what the other side said. */
    problem: text(),
    deliveredAt: instant('delivered_at'),
  },
  (table) => [
    primaryKey({ columns: [table.noticeId, table.channelId] }),
    index('deliveries_waiting').on(table.nextAt).where(sql`${table.state} = 'waiting'`),
  ],
)
