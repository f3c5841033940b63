/** Retention: for how long the ledger keeps its rows, and the hours that are derived from them. */
import { z } from '@hono/zod-openapi'
import { RETENTION, retentionOf } from '../../gateway/retention.ts'
import { audited } from './audited.ts'
import { json, operation, refusals, resource } from './resource.ts'

/** A quarter, and the quarter before it: budgets are judged by what the ledger still has. */
const LEAST_DAYS = 190
const MOST_DAYS = 36_500

const days = z.number().int().min(LEAST_DAYS).max(MOST_DAYS)

const wish = z.strictObject({
  rows_days: days.describe(
    'Requests, one by one. What is older is deleted within hours, and does not come back.',
  ),
  hours_days: days
    .nullable()
    .describe('What reports are made of; never less than rows_days; null is for ever.'),
})
const retentionWish = wish.refine(
  ({ rows_days, hours_days }) => hours_days === null || hours_days >= rows_days,
  { path: ['hours_days'], message: 'Input should not be less than rows_days' },
)
const retentionView = wish.openapi('Retention')

const get = operation({
  needs: 'organisation.read',
  method: 'get',
  path: '/',
  summary: 'Look at how long the ledger is kept',
  responses: { 200: { description: 'In days.', content: json(retentionView) }, ...refusals },
})

const put = operation({
  needs: 'organisation.change',
  method: 'put',
  path: '/',
  summary: 'Say how long the ledger is kept',
  request: { body: { required: true, content: json(retentionWish) } },
  responses: { 200: { description: 'In days, from now on.', content: json(retentionView) }, ...refusals },
})

export const retention = resource()
  .openapi(get, async (c) => c.json(view(await retentionOf(c.env.data)), 200))
  .openapi(put, async (c) => {
    const { rows_days: rows, hours_days: hours } = c.req.valid('json')
    const answer = await audited(c, async (data) => {
      const before = view(await retentionOf(data))
      await data.settings.put(RETENTION, { rows, hours })
      const after = view({ rows, hours })
      return { answer: after, entry: { action: 'retention.change', target: 'retention', before, after } }
    })
    return c.json(answer, 200)
  })

function view({ rows, hours }: { rows: number; hours: number | null }) {
  return { rows_days: rows, hours_days: hours }
}
