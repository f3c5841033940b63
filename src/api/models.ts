/** GET /v1/models: what this key may use, in Anthropic's shape. https://docs.claude.com/en/api/models-list */
import { Hono } from 'hono'
import { GatewayError } from '../errors.ts'
import { authenticate } from '../gateway/authenticate.ts'
import { modelsFor } from '../gateway/route.ts'
import { goesBy, listedName, type Model } from '../protocol/models.ts'
import type { Env } from './env.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1000

export const models = new Hono<Env>()
  .get('/', async (c) => {
    const principal = await authenticate(c.env, c.req.raw.headers)
    return c.json(page(await modelsFor(c.env, principal), c.req.query()))
  })
  .get('/:id', async (c) => {
    const principal = await authenticate(c.env, c.req.raw.headers)
    const usable = await modelsFor(c.env, principal)
    const model = usable.find((each) => goesBy(each, c.req.param('id')))
    if (!model)
      throw new GatewayError('not_found_error', `model: '${c.req.param('id')}' is not available here.`)
    return c.json(listing(model))
  })

function page(all: readonly Model[], query: Record<string, string>) {
  const listed = all.map(listing)
  const limit = limitOf(query['limit'])
  const after = query['after_id'] === undefined ? 0 : position(listed, query['after_id']) + 1
  const before = query['before_id'] === undefined ? listed.length : position(listed, query['before_id'])
  const start = query['before_id'] === undefined ? after : Math.max(after, before - limit)
  const data = listed.slice(start, Math.min(before, start + limit))
  const hasMore = query['before_id'] === undefined ? start + data.length < before : start > after
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
}

function position(listed: readonly { id: string }[], id: string): number {
  const index = listed.findIndex((each) => each.id === id)
  if (index < 0)
    throw new GatewayError('invalid_request_error', `No model with the id '${id}' is listed here.`)
  return index
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? DEFAULT_LIMIT)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new GatewayError('invalid_request_error', `limit: Input should be an integer from 1 to ${MAX_LIMIT}`)
}

function listing(model: Model) {
  return {
    type: 'model',
    id: listedName(model),
    display_name: model.displayName,
    // The epoch where it is not known, as Anthropic has it.
    created_at: `${model.released || '1970-01-01'}T00:00:00Z`,
  }
}
