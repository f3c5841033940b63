/** The audit log: what was changed, by whom, from what to what. Rows are only ever added, each chained to the last. */
import { bigint, boolean, index, pgTable, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'

export const audit = pgTable(
  'audit',
  {
    /** Without gaps: a row that is missing shows. */
    number: bigint({ mode: 'number' }).primaryKey(),
    at: instant('at').notNull(),
    /** Who, as in `user:user_…`, `token:tok_…` or `root`; with the name they had. */
    actor: text().notNull(),
    actorName: text('actor_name').notNull(),
    /** As in `key.create`. */
    action: text().notNull(),
    /** As in `key:key_…`. */
    target: text().notNull(),
    /** JSON text, canonical, secrets masked; null where there was nothing. */
    before: text(),
    after: text(),
    address: text(),
    requestId: text('request_id').notNull(),
    /** The operator's own token was used, which speaks for nobody. */
    breakGlass: boolean('break_glass').notNull().default(false),
    /** SHA-256 over the previous row's hash and this row. */
    hash: text().notNull(),
  },
  (table) => [
    index('audit_target').on(table.target, table.number),
    index('audit_actor').on(table.actor, table.number),
  ],
)
