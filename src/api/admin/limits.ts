/** Limits of what has no page of its own: the organisation as a whole, and models by pattern. */
import { z } from '@hono/zod-openapi'
import type { LimitRow } from '../../data/limitrows.ts'
import { COMMON_LIMITS } from '../../gateway/rules.ts'
import { audited } from './audited.ts'
import { limitsView, limitsWish, noSuch, said, shownLimits, storedLimits } from './fields.ts'
import { json, operation, pageOf, refusals, resource, text } from './resource.ts'

const scope = z.enum(['organisation', 'model'])
const model = text(200).describe(
  'A pattern of model names, * for any run of characters; empty for the organisation.',
)

const place = z
  .object({ scope, model: model.default('') })
  .refine(
    ({ scope, model }) => (scope === 'model') === (model !== ''),
    'model: the organisation has none; a limit of models says which',
  )

const limitView = z
  .object({ scope, model, limits: limitsView.describe('Of all keys together.') })
  .openapi('Limit')

const list = operation({
  needs: 'limits.read',
  method: 'get',
  path: '/',
  summary: 'List the limits of the organisation and of models',
  responses: { 200: { description: 'All of them.', content: json(pageOf(limitView)) }, ...refusals },
})

const put = operation({
  needs: 'limits.change',
  method: 'put',
  path: '/',
  summary: 'Set limits; what is left out stays as it is. Every replica knows them within a minute',
  request: {
    body: { required: true, content: json(z.intersection(place, z.object({ limits: limitsWish }))) },
  },
  responses: { 200: { description: 'As they are now.', content: json(limitView) }, ...refusals },
})

const remove = operation({
  needs: 'limits.change',
  method: 'delete',
  path: '/',
  summary: 'Take limits away',
  request: { query: place },
  responses: { 204: { description: 'They hold no more.' }, ...refusals },
})

export const limits = resource()
  .openapi(list, async (c) => c.json({ data: (await c.env.data.limits.all()).map(viewOf), next: null }, 200))
  .openapi(put, async (c) => {
    const { scope, model: subject, limits: wish } = c.req.valid('json')
    const after = await audited(c, async (tables) => {
      const before = await tables.limits.find({ scope, subject })
      const row: LimitRow = { ...(before ?? { ...NONE, scope, subject }), ...said(storedLimits(wish)) }
      await tables.limits.put(row)
      return { answer: row, entry: entry('change', row, before ? viewOf(before) : null, viewOf(row)) }
    })
    c.env.cache.forget(COMMON_LIMITS)
    return c.json(viewOf(after), 200)
  })
  .openapi(remove, async (c) => {
    const { scope, model: subject } = c.req.valid('query')
    await audited(c, async (tables) => {
      const gone = await tables.limits.remove({ scope, subject })
      if (!gone) throw noSuch('limit of', scope === 'model' ? subject : scope)
      return { answer: undefined, entry: entry('remove', gone, viewOf(gone), null) }
    })
    c.env.cache.forget(COMMON_LIMITS)
    return c.body(null, 204)
  })

const NONE = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null }

function entry(what: string, { scope, subject }: LimitRow, before: object | null, after: object | null) {
  const target = scope === 'model' ? `limit:model:${subject}` : 'limit:organisation'
  return { action: `limit.${what}`, target, before, after }
}

function viewOf(row: LimitRow): z.infer<typeof limitView> {
  return { scope: row.scope, model: row.subject, limits: shownLimits(row) }
}
