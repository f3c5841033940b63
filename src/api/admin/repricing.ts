/** What prices have to do with the ledger, and with AWS: recomputed, unpriced, refreshed. */
import { z } from '@hono/zod-openapi'
import { GatewayError } from '../../errors.ts'
import { recompute } from '../../gateway/prices/recompute.ts'
import { refreshed } from '../../gateway/prices/refresh.ts'
import { requireRoom } from '../../gateway/prices/wish.ts'
import { forgetPrices } from '../../gateway/prices.ts'
import { audited } from './audited.ts'
import { priceView, priceViewOf, ratesShown, ratesView } from './priceviews.ts'
import { json, operation, refusals, resource, text } from './resource.ts'

const moment = z.iso.datetime({ offset: true })
const apply = z.boolean().default(false).describe('False only shows what it would change.')
const nano = (what: string) =>
  z.int().describe(`${what}, in nano-dollars; an unknown cost counts as nothing.`)

const recomputing = operation({
  needs: 'prices.change',
  method: 'post',
  path: '/recompute',
  summary: 'What a stretch of the ledger costs by the prices of now: the difference, then the change',
  request: {
    body: {
      required: true,
      content: json(z.strictObject({ from: moment, to: moment, apply, cursor: text(128).optional() })),
    },
  },
  responses: {
    200: {
      description: 'The difference by model. A long stretch is answered in parts: ask again with the cursor.',
      content: json(
        z.object({
          applied: z.boolean(),
          written: z.int().describe('Rows that were changed.'),
          models: z.array(
            z.object({
              model: z.string(),
              rows: z.int(),
              changed: z.int(),
              were_unpriced: z.int().describe('Of these, the ones that had no price.'),
              kept: z.int().describe('Rows that cannot be recomputed, and stay.'),
              old_nano: nano('What they cost'),
              new_nano: nano('What they come to'),
              difference_nano: nano('The difference'),
            }),
          ),
          next: z.string().nullable(),
        }),
      ),
    },
    ...refusals,
  },
})

const unpriced = operation({
  needs: 'unpriced.read',
  method: 'get',
  path: '/unpriced',
  summary: 'Requests that no price was known for, the most tokens first',
  request: { query: z.object({ from: moment.optional(), to: moment.optional() }) },
  responses: {
    200: {
      description: 'At most 200 kinds; the last 30 days unless said.',
      content: json(
        z.object({
          data: z.array(
            z.object({
              provider: z.string(),
              model_id: z.string(),
              region_class: z.string().nullable(),
              tier: z.string(),
              requests: z.int(),
              tokens: z.int(),
              first: z.iso.datetime(),
              last: z.iso.datetime(),
            }),
          ),
        }),
      ),
    },
    ...refusals,
  },
})

const refreshing = operation({
  needs: 'prices.change',
  method: 'post',
  path: '/refresh',
  summary: "What AWS's price list says otherwise, from today on; what admins say stays above it",
  request: { body: { required: true, content: json(z.strictObject({ apply: z.boolean() })) } },
  responses: {
    200: {
      description: 'What it changes.',
      content: json(
        z.object({
          applied: z.boolean(),
          published: z.string().nullable(),
          unchanged: z.int(),
          changes: z.array(
            z.object({
              price: priceView,
              before: ratesShown.nullable().describe('Dollars per million tokens.'),
              overridden: z.boolean().describe('An admin has said another price, which holds.'),
            }),
          ),
          skipped: z.array(z.object({ model: z.string(), reason: z.string() })),
        }),
      ),
    },
    ...refusals,
  },
})

const MONTH = 30 * 86_400_000
const MOST_GROUPS = 200

export const repricing = resource()
  .openapi(recomputing, async (c) => {
    const { from, to, apply: applied, cursor } = c.req.valid('json')
    const window = { from: new Date(from), to: new Date(to) }
    if (window.from >= window.to) throw invalid('to: Input should be later than from')
    if (applied) {
      // Before the rows: what is begun is known, should it not come to its end.
      const change = {
        action: 'price.recompute',
        target: 'ledger',
        before: null,
        after: { from, to, cursor },
      }
      await audited(c, async () => ({ answer: undefined, entry: change }))
    }
    const { models, written, next } = await recompute(c.env, { ...window, after: cursor, apply: applied })
    const data = models.map(({ model, rows, changed, wereUnpriced, kept, oldNano, newNano }) => ({
      model,
      rows,
      changed,
      were_unpriced: wereUnpriced,
      kept,
      old_nano: oldNano,
      new_nano: newNano,
      difference_nano: newNano - oldNano,
    }))
    return c.json({ applied, written, models: data, next: next ?? null }, 200)
  })
  .openapi(unpriced, async (c) => {
    const { from, to } = c.req.valid('query')
    const end = to === undefined ? new Date(c.env.now()) : new Date(to)
    const start = from === undefined ? new Date(end.getTime() - MONTH) : new Date(from)
    const groups = await c.env.data.repricing.unpriced({ from: start, to: end, limit: MOST_GROUPS })
    const data = groups.map(({ modelId, regionClass, serviceTier, first, last, ...group }) => ({
      ...group,
      model_id: modelId,
      region_class: regionClass,
      tier: serviceTier ?? 'standard',
      first: first.toISOString(),
      last: last.toISOString(),
    }))
    return c.json({ data }, 200)
  })
  .openapi(refreshing, async (c) => {
    const { apply: applied } = c.req.valid('json')
    const { published, changes, unchanged, skipped } = await refreshed(c.env)
    const rows = changes.map(({ row }) => row)
    if (applied && rows.length > 0) {
      await requireRoom(c.env, rows.length)
      const after = rows.map(priceViewOf)
      await audited(c, async (tables) => {
        await tables.prices.create(rows)
        return {
          answer: undefined,
          entry: { action: 'price.refresh', target: 'prices', before: null, after },
        }
      })
      forgetPrices(c.env)
    }
    const shown = changes.map(({ row, before, overridden }) => ({
      price: priceViewOf(row),
      before: before && ratesView(before),
      overridden,
    }))
    return c.json({ applied, published, unchanged, changes: shown, skipped }, 200)
  })

function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}
