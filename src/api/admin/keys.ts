/** Keys: what developers call with. */
import { z } from '@hono/zod-openapi'
import type { Key } from '../../data/keys.ts'
import { GatewayError } from '../../errors.ts'
import { forgetKey } from '../../gateway/authenticate.ts'
import { createKey } from '../../gateway/keys.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const keyName = text(200).trim().min(1)
const patterns = z
  .array(text(200).min(1))
  .max(100)
  .nullable()
  .describe('Models the key may use, * for any run of characters; null is every model.')

const aMinute = (most: number) => z.int().min(1).max(most).nullable()
const requestsPerMinute = aMinute(1_000_000).describe('Null is no limit.')
const tokensPerMinute = aMinute(1_000_000_000).describe(
  'Input, cache writes and output; what is read from a cache does not count. Null is no limit.',
)
const limits = z.strictObject({
  requests_per_minute: requestsPerMinute.optional(),
  tokens_per_minute: tokensPerMinute.optional(),
})

const keyView = z
  .object({
    id: z.string(),
    name: z.string(),
    hint: z.string().describe('The first characters of the secret.'),
    models: patterns,
    limits: z.object({ requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute }),
    disabled: z.boolean(),
    created_at: z.iso.datetime(),
  })
  .openapi('Key')

const newKeyView = keyView
  .extend({ key: z.string().describe('The secret. Shown this once.') })
  .openapi('NewKey')

const path = z.object({ id: text(128) })

const create = operation({
  needs: 'keys.change',
  method: 'post',
  path: '/',
  summary: 'Make a key',
  request: {
    body: {
      required: true,
      content: json(z.object({ name: keyName, models: patterns.optional(), limits: limits.optional() })),
    },
  },
  responses: { 201: { description: 'The key, with its secret.', content: json(newKeyView) }, ...refusals },
})

const list = operation({
  needs: 'keys.read',
  method: 'get',
  path: '/',
  summary: 'List keys, oldest first',
  request: { query: z.object(paging) },
  responses: { 200: { description: 'A page of keys.', content: json(pageOf(keyView)) }, ...refusals },
})

const get = operation({
  needs: 'keys.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at a key',
  request: { params: path },
  responses: { 200: { description: 'The key.', content: json(keyView) }, ...refusals },
})

const change = operation({
  needs: 'keys.change',
  method: 'patch',
  path: '/{id}',
  summary: 'Rename, restrict, limit, disable or enable a key',
  request: {
    params: path,
    body: {
      required: true,
      content: json(
        z.strictObject({
          name: keyName.optional(),
          models: patterns.optional(),
          limits: limits.optional(),
          disabled: z.boolean().optional(),
        }),
      ),
    },
  },
  responses: { 200: { description: 'The key as it is now.', content: json(keyView) }, ...refusals },
})

const remove = operation({
  needs: 'keys.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Delete a key; its spend stays',
  request: { params: path },
  responses: { 204: { description: 'It works no more.' }, ...refusals },
})

export const keys = resource()
  .openapi(create, async (c) => {
    const { limits: wished, ...wish } = c.req.valid('json')
    const { key, secret } = await createKey(c.env, { ...wish, ...stored(wished) })
    return c.json({ ...view(key), key: secret }, 201)
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const { data, next } = cutPage(await c.env.data.keys.list({ after: cursor, limit: limit + 1 }), limit)
    return c.json({ data: data.map(view), next }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    const key = await c.env.data.keys.byId(id)
    if (!key) throw noSuchKey(id)
    return c.json(view(key), 200)
  })
  .openapi(change, async (c) => {
    const { id } = c.req.valid('param')
    const { disabled, limits: wished, ...named } = c.req.valid('json')
    const rest = { ...named, ...stored(wished) }
    const disabledAt = disabled ? new Date(c.env.now()) : null
    const key = await c.env.data.keys.change(id, disabled === undefined ? rest : { ...rest, disabledAt })
    if (!key) throw noSuchKey(id)
    forgetKey(c.env, key.hash)
    return c.json(view(key), 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    const key = await c.env.data.keys.remove(id, new Date(c.env.now()))
    if (!key) throw noSuchKey(id)
    forgetKey(c.env, key.hash)
    return c.body(null, 204)
  })

function stored({
  requests_per_minute: requestsPerMinute,
  tokens_per_minute: tokensPerMinute,
}: z.infer<typeof limits> = {}) {
  return { requestsPerMinute, tokensPerMinute }
}

function view(key: Key): z.infer<typeof keyView> {
  const { id, name, hint, models } = key
  const { requestsPerMinute: requests_per_minute, tokensPerMinute: tokens_per_minute } = key
  return {
    id,
    name,
    hint,
    models,
    limits: { requests_per_minute, tokens_per_minute },
    disabled: key.disabledAt !== null,
    created_at: key.createdAt.toISOString(),
  }
}

function noSuchKey(id: string): GatewayError {
  return new GatewayError('not_found_error', `There is no key '${id}'.`)
}
