/** Spend: the ledger, request by request. */
import { z } from '@hono/zod-openapi'
import type { SettledRow } from '../../data/rows.ts'
import { GatewayError } from '../../errors.ts'
import { covers } from '../../gateway/permissions.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const STATUSES = ['pending', 'succeeded', 'refused', 'failed_midstream', 'cancelled', 'lost'] as const

const tokens = z.number().int()

const spendView = z
  .object({
    id: z.string().describe('The request id of the answer.'),
    status: z.enum(STATUSES),
    key_id: z.string(),
    user_id: z.string().nullable().describe('Whose key it was then.'),
    team_id: z.string().nullable().describe('Which team paid then.'),
    model: z.string().describe('As the client named it.'),
    model_id: z.string().describe('As the provider was asked for it.'),
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
      team: text(128).optional(),
      user: text(128).optional(),
      key: text(128).optional(),
      upstream: text(128).optional(),
      model: text(256).optional(),
      session: text(128).optional(),
      status: z.enum(STATUSES).optional(),
      from: instant.optional(),
      to: instant.optional(),
    }),
  },
  responses: { 200: { description: 'A page of requests.', content: json(pageOf(spendView)) }, ...refusals },
})

const get = operation({
  needs: 'spend.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at one request',
  request: { params: z.object({ id: text(128) }) },
  responses: { 200: { description: 'The request.', content: json(spendView) }, ...refusals },
})

export const spend = resource()
  .openapi(list, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const { data, next } = cutPage(
      await c.env.data.ledger.find({ ...filter, owners: c.var.scope, before: cursor, limit: limit + 1 }),
      limit,
    )
    return c.json({ data: data.map(view), next }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    const row = await c.env.data.ledger.byId(id)
    if (!row || !covers(c.var.scope, row)) {
      throw new GatewayError('not_found_error', `There is no request '${id}' in the ledger.`)
    }
    return c.json(view(row), 200)
  })

function view(row: SettledRow): z.infer<typeof spendView> {
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
