/** Requests: the ledger, row by row, and of each row how its call came to run where it ran. */
import { z } from '@hono/zod-openapi'
import type { SettledRow } from '../../data/rows.ts'
import { covers, type Scope } from '../../gateway/permissions.ts'
import { asOthersSee, noSuchRequest, storyFor } from '../../gateway/why.ts'
import { requestView, STATUSES, toldView, toldViewOf, viewOf } from './requestviews.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .openapi({ type: 'string', format: 'date-time' })

const list = operation({
  needs: 'requests.read',
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
  responses: { 200: { description: 'A page of requests.', content: json(pageOf(requestView)) }, ...refusals },
})

const get = operation({
  needs: 'requests.read',
  method: 'get',
  path: '/{id}',
  summary: 'Tell of one request: what it cost, how it came to run where it ran, and why',
  description:
    'The `story` says in sentences which upstreams were looked at, why each was left out, what was tried, what failed, ' +
    'how long it waited and for what, what the upstream was not sent, where it ran, and how its price came to be. ' +
    'Nothing of what was asked or answered is in it: the ledger does not have that.',
  request: { params: z.object({ id: text(128) }) },
  responses: { 200: { description: 'The request.', content: json(toldView) }, ...refusals },
})

export const requests = resource()
  .openapi(list, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const { data, next } = cutPage(
      await c.env.data.ledger.find({ ...filter, owners: c.var.scope, before: cursor, limit: limit + 1 }),
      limit,
    )
    return c.json({ data: data.map((row) => viewOf(seenBy(c.var.scope, row))), next }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    const { scope } = c.var
    const row = await c.env.data.ledger.byId(id)
    if (!row || !covers(scope, row)) throw noSuchRequest(id)
    return c.json(toldViewOf(seenBy(scope, row), await storyFor(c.env, row, scope.all)), 200)
  })

function seenBy({ all }: Scope, row: SettledRow): SettledRow {
  return all ? row : asOthersSee(row)
}
