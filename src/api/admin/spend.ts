/** Spend: the ledger, request by request. */
import { z } from '@hono/zod-openapi'
import type { SettledRow } from '../../data/rows.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const STATUSES = ['pending', 'succeeded', 'refused', 'failed_midstream', 'cancelled', 'lost'] as const

const tokens = z.number().int()

const spendView = z
  .object({
    id: z.string().describe('The request id of the answer.'),
    status: z.enum(STATUSES),
    key_id: z.string(),
    model: z.string().describe('As the client named it.'),
    model_id: z.string().describe('As the provider was asked for it.'),
    provider: z.string(),
    upstream: z.string(),
    region: z.string(),
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
    stop_reason: z.string().nullable(),
    error_type: z.string().nullable(),
    session_id: z.string().nullable(),
    agent_id: z.string().nullable(),
    parent_agent_id: z.string().nullable(),
    started_at: z.iso.datetime(),
    first_byte_ms: z.number().int().nullable(),
    duration_ms: z.number().int().nullable(),
  })
  .openapi('Spend')

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .openapi({ type: 'string', format: 'date-time' })

const list = operation({
  needs: 'spend.read',
  method: 'get',
  path: '/',
  summary: 'List requests and what they cost, newest first',
  request: {
    query: z.object({
      ...paging,
      key: text(128).optional(),
      model: text(256).optional(),
      session: text(128).optional(),
      status: z.enum(STATUSES).optional(),
      from: instant.optional(),
      to: instant.optional(),
    }),
  },
  responses: { 200: { description: 'A page of requests.', content: json(pageOf(spendView)) }, ...refusals },
})

export const spend = resource().openapi(list, async (c) => {
  const { limit, cursor, ...filter } = c.req.valid('query')
  const { data, next } = cutPage(
    await c.env.data.ledger.find({ ...filter, before: cursor, limit: limit + 1 }),
    limit,
  )
  return c.json({ data: data.map(view), next }, 200)
})

function view(row: SettledRow): z.infer<typeof spendView> {
  return {
    id: row.id,
    status: row.status,
    key_id: row.keyId,
    model: row.model,
    model_id: row.modelId,
    provider: row.provider,
    upstream: row.upstream,
    region: row.region,
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
    stop_reason: row.stopReason,
    error_type: row.errorType,
    session_id: row.sessionId,
    agent_id: row.agentId,
    parent_agent_id: row.parentAgentId,
    started_at: row.startedAt.toISOString(),
    first_byte_ms: row.firstByteMs,
    duration_ms: row.durationMs,
  }
}
