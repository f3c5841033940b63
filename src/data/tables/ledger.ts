/** The ledger, what is derived from it, and what it could not take. */
import { sql } from 'drizzle-orm'
import { bigint, boolean, date, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant, nano, tokens } from './columns.ts'
import type { Trail } from './trail.ts'

/** One row for every request that reached an upstream, however it ended; and for those that a budget refused. */
export const requests = pgTable(
  'requests',
  {
    /** The request id of the answer. A UUIDv7 behind a prefix, so that ids sort by time. */
    id: text().primaryKey(),
    status: text({
      enum: ['pending', 'succeeded', 'refused', 'failed_midstream', 'cancelled', 'lost'],
    }).notNull(),
    keyId: text('key_id').notNull(),
    /** Who and which team paid, as it was then. */
    userId: text('user_id'),
    teamId: text('team_id'),
    /** As the client named it, and as the provider was asked for it. */
    model: text().notNull(),
    modelId: text('model_id').notNull(),
    provider: text().notNull(),
    upstream: text().notNull(),
    region: text().notNull(),
    /** What the price depends on: `global`, `us`, `regional` … */
    regionClass: text('region_class'),
    /** The service tier, as the upstream says it was; null is the standard one. */
    serviceTier: text('service_tier'),
    stream: boolean().notNull(),
    /** Requests sent upstream, hidden retries and the steps of a search included. */
    attempts: integer().notNull(),
    inputTokens: tokens('input_tokens'),
    cacheReadTokens: tokens('cache_read_tokens'),
    cacheWrite5mTokens: tokens('cache_write_5m_tokens'),
    cacheWrite1hTokens: tokens('cache_write_1h_tokens'),
    outputTokens: tokens('output_tokens'),
    webSearches: integer('web_searches').notNull().default(0),
    /** `final` as billed; `partial` where the stream broke off; `estimated` where nothing was said, or not yet. */
    usageSource: text('usage_source', { enum: ['final', 'partial', 'estimated'] }),
    /** Null where no price is known: never zero for want of a price. */
    costNano: nano('cost_nano'),
    /** What of that is no price of tokens: fees of web searches. */
    feeNano: nano('fee_nano'),
    /** The budget that decided what became of the call, and what it decided. */
    budgetId: text('budget_id'),
    budgetAction: text('budget_action', { enum: ['notify', 'slow', 'step_down', 'block'] }),
    /** How it came to run there; null where there was nothing to choose and nothing went wrong. */
    trail: jsonb().$type<Trail>(),
    stopReason: text('stop_reason'),
    errorType: text('error_type'),
    sessionId: text('session_id'),
    agentId: text('agent_id'),
    parentAgentId: text('parent_agent_id'),
    startedAt: instant('started_at').notNull(),
    /** The day it began on in the organisation's time zone, as that was then: every calendar window follows from it. */
    day: date({ mode: 'string' }),
    firstByteMs: integer('first_byte_ms'),
    durationMs: integer('duration_ms'),
    /** When this state came to the database, by its own clock: what is derived follows what has been written since. */
    writtenAt: instant('written_at').notNull().defaultNow(),
  },
  (table) => [
    index('requests_key').on(table.keyId, table.id),
    index('requests_user').on(table.userId, table.id),
    index('requests_team').on(table.teamId, table.id),
    index('requests_session').on(table.sessionId).where(sql`${table.sessionId} is not null`),
    index('requests_pending').on(table.id).where(sql`${table.status} = 'pending'`),
    index('requests_started').on(table.startedAt),
    index('requests_unpriced').on(table.startedAt).where(sql`${table.costNano} is null`),
    index('requests_written').on(table.writtenAt),
  ],
)

/** What an hour of the ledger comes to: derived, never written to by hand. Empty stands for none. */
export const hours = pgTable(
  'hours',
  {
    hour: instant('hour').notNull(),
    day: date({ mode: 'string' }).notNull(),
    teamId: text('team_id').notNull(),
    userId: text('user_id').notNull(),
    keyId: text('key_id').notNull(),
    /** As it ran. */
    model: text().notNull(),
    upstream: text().notNull(),
    /** `main`, `agent` or `other`: the main thread of a session, one of its subagents, no session at all. */
    sessionClass: text('session_class', { enum: ['main', 'agent', 'other'] }).notNull(),
    requests: bigint({ mode: 'number' }).notNull(),
    /** Of these, the ones that did not succeed. */
    failures: bigint({ mode: 'number' }).notNull(),
    inputTokens: tokens('input_tokens'),
    cacheReadTokens: tokens('cache_read_tokens'),
    cacheWrite5mTokens: tokens('cache_write_5m_tokens'),
    cacheWrite1hTokens: tokens('cache_write_1h_tokens'),
    outputTokens: tokens('output_tokens'),
    webSearches: bigint('web_searches', { mode: 'number' }).notNull().default(0),
    costNano: nano('cost_nano').notNull(),
    /** Requests, and tokens of theirs, that no price is known for. */
    unpricedRequests: bigint('unpriced_requests', { mode: 'number' }).notNull().default(0),
    unpricedTokens: tokens('unpriced_tokens'),
    derivedAt: instant('derived_at').notNull(),
  },
  (table) => [
    primaryKey({
      name: 'hours_group',
      columns: [
        table.hour,
        table.day,
        table.teamId,
        table.userId,
        table.keyId,
        table.model,
        table.upstream,
        table.sessionClass,
      ],
    }),
    index('hours_day').on(table.day),
    index('hours_team').on(table.teamId, table.day),
    index('hours_user').on(table.userId, table.day),
    index('hours_key').on(table.keyId, table.day),
  ],
)

/** Rows that the database cannot hold, as text that it can: one by one, so that none keeps the others out. */
export const quarantine = pgTable('quarantine', {
  id: text().primaryKey(),
  row: text().notNull(),
  /** Of the error. */
  code: text().notNull(),
  at: instant('at').notNull(),
})
