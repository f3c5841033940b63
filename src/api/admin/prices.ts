/** Prices: what holds, what an admin says instead, and as a sheet. What becomes of the ledger by it is in repricing.ts. */
import { z } from '@hono/zod-openapi'
import { GatewayError } from '../../errors.ts'
import { dayOf } from '../../gateway/prices/book.ts'
import { rowsIn, sheetOf } from '../../gateway/prices/sheet.ts'
import { requireRoom, rowOf } from '../../gateway/prices/wish.ts'
import { forgetPrices, freshPrices, MOST_PRICES } from '../../gateway/prices.ts'
import { MODELS } from '../../protocol/models.ts'
import { audited } from './audited.ts'
import {
  allowed,
  effectiveView,
  effectiveViewOf,
  priceView,
  priceViewOf,
  priceWish,
  wishOf,
} from './priceviews.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const sheet = { 'text/csv': { schema: z.string() } }

const effective = operation({
  needs: 'prices.read',
  method: 'get',
  path: '/',
  summary: 'What models cost: which price holds, and over which others',
  request: {
    query: z.object({
      provider: z.enum(['bedrock', 'anthropic', 'vertex']).default('bedrock'),
      region_class: text(40).default('global').describe('global, region, us …'),
      on: z.iso.date().optional().describe('A day, UTC; today unless said.'),
    }),
  },
  responses: { 200: { description: 'A price a model.', content: json(pageOf(effectiveView)) }, ...refusals },
})

const overrides = operation({
  needs: 'prices.read',
  method: 'get',
  path: '/overrides',
  summary: 'List prices that were said beside the shipped ones, archived ones too, oldest first',
  request: { query: z.object(paging) },
  responses: { 200: { description: 'A page of prices.', content: json(pageOf(priceView)) }, ...refusals },
})

const create = operation({
  needs: 'prices.change',
  method: 'post',
  path: '/',
  summary: 'Say a price; rows that are charged keep theirs',
  request: { body: { required: true, content: json(priceWish) } },
  responses: { 201: { description: 'The price, with an example.', content: json(priceView) }, ...refusals },
})

const archive = operation({
  needs: 'prices.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Archive a price: what held without it holds again',
  request: { params: z.object({ id: text(128) }) },
  responses: { 204: { description: 'It holds no more.' }, ...refusals },
})

const exported = operation({
  needs: 'prices.read',
  method: 'get',
  path: '/sheet',
  summary: 'Prices that are not archived, as CSV',
  responses: { 200: { description: 'A sheet that can be imported.', content: sheet }, ...refusals },
})

const flag = z.stringbool().default(false)
const imported = operation({
  needs: 'prices.change',
  method: 'post',
  path: '/sheet',
  summary: 'Import a sheet, as a whole or not at all',
  request: {
    query: z.object({
      confirm: flag.describe(allowed.confirm.description ?? ''),
      free: flag.describe(allowed.free.description ?? ''),
    }),
    body: { required: true, content: sheet },
  },
  responses: {
    201: { description: 'What was made of it.', content: json(z.object({ data: z.array(priceView) })) },
    ...refusals,
  },
})

export const prices = resource()
  .openapi(effective, async (c) => {
    const { provider, region_class: regionClass, on } = c.req.valid('query')
    const at = Date.parse(`${on ?? dayOf(c.env.now())}T00:00:00Z`)
    const book = await freshPrices(c.env)
    const stored = await c.env.data.prices.live(MOST_PRICES)
    const models = new Set(
      [...MODELS, ...stored.map(({ model }) => ({ name: model }))].map(({ name }) => name),
    )
    const data = [...models].flatMap(
      (model) => effectiveViewOf(book, { provider, model, regionClass }, at) ?? [],
    )
    return c.json({ data, next: null }, 200)
  })
  .openapi(overrides, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const rows = await c.env.data.prices.list({ after: cursor, limit: limit + 1 })
    const { data, next } = cutPage(rows, limit)
    return c.json({ data: data.map(priceViewOf), next }, 200)
  })
  .openapi(create, async (c) => {
    const wish = c.req.valid('json')
    const row = rowOf(wishOf(wish), c.var.actor.id, wish, c.env.now())
    await requireRoom(c.env, 1)
    const view = priceViewOf(row)
    await audited(c, async (tables) => {
      await tables.prices.create([row])
      return { answer: undefined, entry: change('price.create', row.id, null, view) }
    })
    forgetPrices(c.env)
    return c.json(view, 201)
  })
  .openapi(archive, async (c) => {
    const { id } = c.req.valid('param')
    const was = await audited(c, async (tables) => {
      const row = await tables.prices.archive(id, new Date(c.env.now()))
      return { answer: row, entry: row && change('price.archive', id, priceViewOf(row), null) }
    })
    if (!was) throw new GatewayError('not_found_error', `There is no price '${id}' that holds.`)
    forgetPrices(c.env)
    return c.body(null, 204)
  })
  .openapi(exported, async (c) => {
    const rows = await c.env.data.prices.live(MOST_PRICES)
    const headers = {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename=prices.csv',
    }
    return c.body(sheetOf(rows.toReversed()), 200, headers)
  })
  .openapi(imported, async (c) => {
    const rows = rowsIn(await c.req.text(), c.var.actor.id, c.req.valid('query'), c.env.now())
    await requireRoom(c.env, rows.length)
    const data = rows.map(priceViewOf)
    await audited(c, async (tables) => {
      await tables.prices.create(rows)
      return { answer: undefined, entry: change('price.import', `${rows.length}`, null, data) }
    })
    forgetPrices(c.env)
    return c.json({ data }, 201)
  })

function change(action: string, what: string, before: unknown, after: unknown) {
  return { action, target: `price:${what}`, before, after }
}
