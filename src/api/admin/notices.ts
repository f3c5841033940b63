/** Notices: what people were told, and through which channels it went. */
import { z } from '@hono/zod-openapi'
import type { Notice } from '../../data/notices.ts'
import { GatewayError } from '../../errors.ts'
import { NOTICE_KINDS, SEVERITIES } from '../../gateway/notices.ts'
import { covers, type Scope } from '../../gateway/permissions.ts'
import type { Runtime } from '../../runtime.ts'
import { deliveryView, viewOfDelivery } from './deliveries.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const noticeView = z
  .object({
    id: z.string(),
    kind: z.string().openapi({ examples: [...NOTICE_KINDS] }),
    severity: z.enum(SEVERITIES),
    subject: z.string().describe('What it is about: of one subject there is one notice.'),
    team_id: z.string().nullable(),
    sentence: z.string(),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
    created_at: z.iso.datetime(),
  })
  .openapi('Notice')

const path = z.object({ id: text(128) })

const list = operation({
  needs: 'notices.read',
  method: 'get',
  path: '/',
  summary: 'List notices, newest first',
  request: {
    query: z.object({
      ...paging,
      kind: z.enum(NOTICE_KINDS).optional(),
      severity: z.enum(SEVERITIES).optional(),
      team: text(128).optional(),
      from: z.iso
        .datetime({ offset: true })
        .transform((time) => new Date(time))
        .openapi({ type: 'string', format: 'date-time' })
        .optional(),
    }),
  },
  responses: { 200: { description: 'A page of notices.', content: json(pageOf(noticeView)) }, ...refusals },
})

const get = operation({
  needs: 'notices.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at a notice',
  request: { params: path },
  responses: { 200: { description: 'The notice.', content: json(noticeView) }, ...refusals },
})

const deliveries = operation({
  needs: 'notices.read',
  method: 'get',
  path: '/{id}/deliveries',
  summary: 'List the channels it goes through, and what became of it there',
  request: { params: path },
  responses: { 200: { description: 'All of them.', content: json(pageOf(deliveryView)) }, ...refusals },
})

/** As many as there may be channels. */
const MOST_DELIVERIES = 1_000

export const notices = resource()
  .openapi(list, async (c) => {
    const { limit, cursor, team, ...filter } = c.req.valid('query')
    const teams = teamsIn(c.var.scope, team)
    const found = await c.env.data.notices.find({ ...filter, teams, before: cursor, limit: limit + 1 })
    const { data, next } = cutPage(found, limit)
    return c.json({ data: data.map(view), next }, 200)
  })
  .openapi(get, async (c) => c.json(view(await seen(c.env, c.var.scope, c.req.valid('param').id)), 200))
  .openapi(deliveries, async (c) => {
    const { id } = await seen(c.env, c.var.scope, c.req.valid('param').id)
    const found = await c.env.data.deliveries.find({ noticeId: id, limit: MOST_DELIVERIES })
    return c.json({ data: found.map(viewOfDelivery), next: null }, 200)
  })

/** Undefined is all of them, and those about no team. */
function teamsIn({ all, teams }: Scope, asked: string | undefined): readonly string[] | undefined {
  if (asked === undefined) return all ? undefined : teams
  return all || teams.includes(asked) ? [asked] : []
}

/** One that is not to be seen is not there. */
async function seen({ data }: Runtime, scope: Scope, id: string): Promise<Notice> {
  const notice = await data.notices.byId(id)
  if (!notice || !covers(scope, notice)) {
    throw new GatewayError('not_found_error', `There is no notice '${id}'.`)
  }
  return notice
}

function view(notice: Notice): z.infer<typeof noticeView> {
  const { id, kind, severity, subject, teamId, sentence, detail, createdAt } = notice
  return {
    id,
    kind,
    severity,
    subject,
    team_id: teamId,
    sentence,
    detail: { ...detail },
    created_at: createdAt.toISOString(),
  }
}
