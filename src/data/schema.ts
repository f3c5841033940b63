/** The tables. Migrations in drizzle/ are generated from here: `npm run db:generate`. */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
const tokens = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)

/** Secrets that developers call with. A deleted key keeps its row: the ledger refers to it. */
export const keys = pgTable('keys', {
  id: text().primaryKey(),
  name: text().notNull(),
  /** SHA-256 of the whole secret, hexadecimal. The secret itself is nowhere. */
  hash: text().notNull().unique(),
  /** The first characters, to tell keys apart by. */
  hint: text().notNull(),
  /** Names it may use, `*` for any run of characters; null is every model. */
  models: text().array(),
  /** Null is no limit. */
  requestsPerMinute: integer('requests_per_minute'),
  tokensPerMinute: bigint('tokens_per_minute', { mode: 'number' }),
  createdAt: instant('created_at').notNull(),
  disabledAt: instant('disabled_at'),
  deletedAt: instant('deleted_at'),
})

/** The ledger: one row for every request that reached an upstream, however it ended. */
export const requests = pgTable(
  'requests',
  {
    /** The request id of the answer. A UUIDv7 behind a prefix, so that ids sort by time. */
    id: text().primaryKey(),
    status: text({
      enum: ['pending', 'succeeded', 'refused', 'failed_midstream', 'cancelled', 'lost'],
    }).notNull(),
    keyId: text('key_id').notNull(),
    /** As the client named it, and as the provider was asked for it. */
    model: text().notNull(),
    modelId: text('model_id').notNull(),
    provider: text().notNull(),
    upstream: text().notNull(),
    region: text().notNull(),
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
    /** Nano-dollars. Null where no price is known: never zero for want of a price. */
    costNano: bigint('cost_nano', { mode: 'number' }),
    stopReason: text('stop_reason'),
    errorType: text('error_type'),
    sessionId: text('session_id'),
    agentId: text('agent_id'),
    parentAgentId: text('parent_agent_id'),
    startedAt: instant('started_at').notNull(),
    firstByteMs: integer('first_byte_ms'),
    durationMs: integer('duration_ms'),
  },
  (table) => [
    index('requests_key').on(table.keyId, table.id),
    index('requests_session').on(table.sessionId).where(sql`${table.sessionId} is not null`),
    index('requests_pending').on(table.id).where(sql`${table.status} = 'pending'`),
    index('requests_started').on(table.startedAt),
  ],
)

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
