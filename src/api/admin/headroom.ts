/** Headroom: how the token quotas of the accounts stand, and which to raise, as the process that answers has seen it. */
import { z } from '@hono/zod-openapi'
import type { Stand } from '../../gateway/routing/headroom.ts'
import { accountOf, adviceOn, fullAt } from '../../gateway/routing/quotaadvice.ts'
import { json, operation, pageOf, refusals, resource } from './resource.ts'

const tokens = z.number().int()

const bucketView = z
  .object({
    upstreams: z.array(z.string()).describe('Ids of those that share it: one account and region.'),
    account: z.string().describe('The account, or the upstream where that is not known.'),
    region: z.string(),
    model: z.string(),
    reach: z.enum(['region', 'geography', 'global']),
    front: z.enum(['runtime', 'mantle', 'direct']),
    quota: z
      .object({ code: z.string(), name: z.string(), tokens_per_minute: tokens, adjustable: z.boolean() })
      .nullable()
      .describe('Null where Service Quotas did not say.'),
    capacity: tokens
      .nullable()
      .describe('What it is taken to hold: less than the quota after throttles, or learned from them.'),
    used: tokens,
    under_way: z.number().int(),
    waiting: z.number().int(),
    closed_for_ms: z.number().int().describe('Until calls are sent there again.'),
    full_at: z.iso.datetime().nullable().describe('If it goes on as in the last hour.'),
    last_hour: z.object({
      calls: z.number().int(),
      throttled: z.number().int(),
      throttled_share: z.number(),
      held: z.number().int(),
      held_ms: z.number().int(),
      minutes_held: z.number().int(),
      peak_taken: tokens,
      peak_used: tokens,
    }),
    raise: z
      .object({
        name: z.string(),
        code: z.string().nullable(),
        adjustable: z.boolean(),
        at_least: tokens,
        evidence: z.string().describe('For the request to AWS.'),
      })
      .nullable(),
  })
  .openapi('Headroom')

const list = operation({
  needs: 'upstreams.read',
  method: 'get',
  path: '/',
  summary: 'How the token quotas stand, fullest first, and which to raise',
  responses: {
    200: { description: 'Every bucket lately used.', content: json(pageOf(bucketView)) },
    ...refusals,
  },
})

export const headroom = resource().openapi(list, (c) => {
  const now = c.env.now()
  const data = c.env.steering.headroom
    .stands(now)
    .toSorted((a, b) => fullness(b) - fullness(a))
    .map((stand) => view(stand, now))
  return c.json({ data, next: null }, 200)
})

function fullness({ used, capacity }: Stand): number {
  return capacity === undefined ? 0 : used / capacity
}

function view(stand: Stand, now: number): z.infer<typeof bucketView> {
  const { holder, quota, capacity, minutes, upstreams } = stand
  const { account, region, model, reach, front } = holder
  const hour = accountOf(minutes)
  const advice = adviceOn(stand)
  const full = fullAt(stand, now)
  return {
    upstreams: [...upstreams],
    account,
    region,
    model,
    reach,
    front,
    quota: quota
      ? {
          code: quota.code,
          name: quota.name,
          tokens_per_minute: quota.tokensPerMinute,
          adjustable: quota.adjustable,
        }
      : null,
    capacity: capacity === undefined ? null : Math.round(capacity),
    used: Math.round(stand.used),
    under_way: stand.underWay,
    waiting: stand.waiting,
    closed_for_ms: Math.round(stand.closedFor),
    full_at: full === undefined ? null : new Date(full).toISOString(),
    last_hour: {
      calls: hour.calls,
      throttled: hour.throttled,
      throttled_share: hour.throttledShare,
      held: hour.held,
      held_ms: Math.round(hour.heldMs),
      minutes_held: hour.minutesHeld,
      peak_taken: hour.peakTaken,
      peak_used: hour.peakUsed,
    },
    raise: advice
      ? {
          name: advice.name,
          code: advice.code ?? null,
          adjustable: advice.adjustable,
          at_least: advice.atLeast,
          evidence: advice.evidence,
        }
      : null,
  }
}
