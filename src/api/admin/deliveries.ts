/** Deliveries, as the resources of notices and of channels show them. */
import { z } from '@hono/zod-openapi'
import type { TrackedDelivery } from '../../data/deliveries.ts'
import { NOTICE_KINDS } from '../../gateway/notices.ts'

export const DELIVERY_STATES = ['waiting', 'delivered', 'dead'] as const

export const deliveryView = z
  .object({
    notice_id: z.string(),
    channel_id: z.string(),
    kind: z.string().openapi({ examples: [...NOTICE_KINDS] }),
    sentence: z.string(),
    state: z.enum(DELIVERY_STATES).describe('Dead: given up, until somebody has it tried again.'),
    attempts: z.number().int(),
    next_at: z.iso.datetime().nullable().describe('When it is tried next, where it waits.'),
    problem: z.string().nullable().describe('A word for what went wrong last, such as http_500 or timeout.'),
    delivered_at: z.iso.datetime().nullable(),
  })
  .openapi('Delivery')

export function viewOfDelivery(delivery: TrackedDelivery): z.infer<typeof deliveryView> {
  const { noticeId, channelId, kind, sentence, state, attempts, nextAt, problem, deliveredAt } = delivery
  return {
    notice_id: noticeId,
    channel_id: channelId,
    kind,
    sentence,
    state,
    attempts,
    next_at: state === 'waiting' ? nextAt.toISOString() : null,
    problem,
    delivered_at: deliveredAt?.toISOString() ?? null,
  }
}
