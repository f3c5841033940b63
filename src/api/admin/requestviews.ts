/** Rows of the ledger as the APIs show them, with the way that a call took and its story. */
import { z } from '@hono/zod-openapi'
import type { SettledRow } from '../../data/rows.ts'
import type { Trail } from '../../data/tables/trail.ts'

export const STATUSES = ['pending', 'succeeded', 'refused', 'failed_midstream', 'cancelled', 'lost'] as const

const tokens = z.number().int()

export const requestView = z
  .object({
    id: z.string().describe('The request id of the answer.'),
    status: z.enum(STATUSES),
    key_id: z.string(),
    user_id: z.string().nullable().describe('Whose key it was then.'),
    team_id: z.string().nullable().describe('Which team paid then.'),
    model: z.string().describe('As the client named it.'),
    model_id: z
      .string()
      .describe('As the provider was asked for it; numbers of accounts are for admins and auditors.'),
    provider: z.string(),
    upstream: z.string(),
    region: z.string(),
    region_class: z.string().nullable().describe('What the price depends on: global, us, regional …'),
    stream: z.boolean(),
    attempts: z.number().int(),
    usage: z.object({
      input: tokens,
      cache_read: tokens,
      cache_write_5m: tokens,
      cache_write_1h: tokens,
      output: tokens,
    }),
    web_searches: z.number().int(),
    usage_source: z.enum(['final', 'partial', 'estimated']).nullable(),
    cost_nano: z.number().int().nullable().describe('Nano-dollars; null where no price is known.'),
    budget_id: z.string().nullable().describe('The budget that decided what became of it.'),
    budget_action: z.enum(['notify', 'slow', 'step_down', 'block']).nullable(),
    stop_reason: z.string().nullable(),
    error_type: z.string().nullable(),
    session_id: z.string().nullable(),
    agent_id: z.string().nullable(),
    parent_agent_id: z.string().nullable(),
    started_at: z.iso.datetime(),
    day: z.iso.date().nullable().describe('It began on, in the time zone of the organisation.'),
    first_byte_ms: z.number().int().nullable(),
    duration_ms: z.number().int().nullable(),
  })
  .openapi('Request')

const candidate = z.object({
  upstream: z.string(),
  reason: z.string().optional().describe('Why it was left out; nothing where nothing spoke against it.'),
  detail: z
    .string()
    .optional()
    .describe('What makes the reason plain; of its own account only for admins and auditors.'),
  despite: z.boolean().optional().describe('It was in the order all the same, for want of better ones.'),
})

const at = z.number().int().describe('Milliseconds since the call came in.')
const upstream = z.string()

const step = z.discriminatedUnion('did', [
  z.object({
    did: z.literal('sent'),
    at,
    upstream,
    model_id: z.string(),
    region: z.string(),
    probe: z.boolean().optional().describe('Others had failed there: this one was to find out.'),
  }),
  z.object({ did: z.literal('failed'), at, upstream, error: z.string(), class: z.string() }),
  z.object({ did: z.literal('retried'), at, upstream, without: z.array(z.string()) }),
  z.object({ did: z.literal('continued'), at, upstream }),
  z.object({ did: z.literal('waited'), at, ms: z.number(), upstream, why: z.string() }),
  z.object({
    did: z.literal('weighed'),
    at,
    from: z.string(),
    to: z.string().nullable(),
    rewrite_nano: z
      .number()
      .int()
      .describe('Nano-dollars for writing the cache of the session anew over there.'),
    wait_ms: z
      .number()
      .describe('Expected, of waiting; before a hedge, how long it had been waited for an answer.'),
    chose: z.enum(['hold', 'move', 'hedge']),
  }),
  z.object({ did: z.literal('stepped_down'), at, from: z.string(), to: z.string() }),
])

const trailView = z
  .object({
    strategy: z.string().describe('By what the first upstream was chosen; `only` where there was but one.'),
    bound: z.string().optional().describe('The upstream that the session was kept to before.'),
    candidates: z.array(candidate),
    steps: z.array(step),
    removed: z.array(z.string()).optional().describe('Betas and fields that the upstream was not sent.'),
    within: z
      .array(z.array(z.string()))
      .optional()
      .describe('Geographies that policies allow: it stays within each of these lists.'),
    reach: z.array(z.string()).optional().describe('Every place where it may have run.'),
    more: z.number().int().optional().describe('Entries that are not kept, for there were too many.'),
  })
  .openapi('Trail')

export const toldView = requestView
  .extend({
    story: z.array(z.string()).describe('What became of it and why, in sentences.'),
    trail: trailView.nullable().describe('Null where there was nothing to choose and nothing went wrong.'),
  })
  .openapi('ToldRequest')

export function viewOf(row: SettledRow): z.infer<typeof requestView> {
  return {
    id: row.id,
    status: row.status,
    key_id: row.keyId,
    user_id: row.userId,
    team_id: row.teamId,
    model: row.model,
    model_id: row.modelId,
    provider: row.provider,
    upstream: row.upstream,
    region: row.region,
    region_class: row.regionClass,
    stream: row.stream,
    attempts: row.attempts,
    usage: {
      input: row.inputTokens,
      cache_read: row.cacheReadTokens,
      cache_write_5m: row.cacheWrite5mTokens,
      cache_write_1h: row.cacheWrite1hTokens,
      output: row.outputTokens,
    },
    web_searches: row.webSearches,
    usage_source: row.usageSource,
    cost_nano: row.costNano,
    budget_id: row.budgetId,
    budget_action: row.budgetAction,
    stop_reason: row.stopReason,
    error_type: row.errorType,
    session_id: row.sessionId,
    agent_id: row.agentId,
    parent_agent_id: row.parentAgentId,
    started_at: row.startedAt.toISOString(),
    day: row.day,
    first_byte_ms: row.firstByteMs,
    duration_ms: row.durationMs,
  }
}

export function toldViewOf(row: SettledRow, story: string[]): z.infer<typeof toldView> {
  return { ...viewOf(row), story, trail: row.trail && trailViewOf(row.trail) }
}

function trailViewOf({ strategy, bound, candidates, steps, removed, within, reach, more }: Trail) {
  return {
    strategy,
    bound,
    candidates: candidates.map((each) => ({ ...each })),
    steps: steps.map((each) => snaked(each) as unknown as z.infer<typeof step>),
    removed: removed && [...removed],
    within: within?.map((places) => [...places]),
    reach: reach && [...reach],
    more,
  }
}

/** As this API writes names: `rewrite_nano`. */
function snaked(of: object): object {
  return Object.fromEntries(
    Object.entries(of).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}
