/** What this installation knows of itself and of its upstreams. */
import { boolean, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'

/** What an upstream and model refused or took, so that nobody has to find out twice. */
export const capabilities = pgTable(
  'capabilities',
  {
    /** `provider/wire/region/model`. */
    place: text().notNull(),
    kind: text({ enum: ['beta', 'field'] }).notNull(),
    /** A beta, or a pattern such as `tools.*.strict`. */
    name: text().notNull(),
    /** `suspect`: refused together with others, and not yet tried alone. */
    verdict: text({ enum: ['refused', 'suspect', 'accepted'] }).notNull(),
    /** Said by an admin: it neither expires nor is learned over. */
    pinned: boolean().notNull().default(false),
    learnedAt: instant('learned_at').notNull(),
    expiresAt: instant('expires_at'),
  },
  (table) => [primaryKey({ columns: [table.place, table.kind, table.name] })],
)

/** Single facts about this installation. */
export const settings = pgTable('settings', {
  name: text().primaryKey(),
  value: jsonb().notNull(),
})
