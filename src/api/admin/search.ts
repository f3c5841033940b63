/** Web search: which engine answers, for all or for one key. */
import { createRoute, z } from '@hono/zod-openapi'
import { GatewayError } from '../../errors.ts'
import {
  ownEngine,
  SEARCH_ENGINE,
  SEARCH_MODE,
  type StoredEngine,
  searchMode,
  storedEngine,
  storeEngine,
} from '../../gateway/engines.ts'
import { engines } from '../../search/index.ts'
import { json, refusals, resource, text } from './resource.ts'

const mode = z.enum(['off', 'all', 'own']).describe('One engine for all, each key its own, or none.')

const engineView = z
  .object({
    engine: z.string(),
    settings: z.record(z.string(), z.string()).describe('What is not secret.'),
    secrets: z.array(z.string()).describe('Secret settings that this engine has; they are never shown.'),
  })
  .openapi('SearchEngine')

const searchView = z
  .object({
    mode,
    engine: engineView.nullable(),
    engines: z.array(
      z.object({
        kind: z.string(),
        label: z.string(),
        fields: z.array(
          z.object({
            name: z.string(),
            label: z.string(),
            required: z.boolean(),
            secret: z.boolean(),
            hint: z.string(),
          }),
        ),
      }),
    ),
  })
  .openapi('Search')

const engineWish = z.strictObject({
  engine: text(50),
  settings: z.record(text(50), text(4_000)).default({}),
})

const searchWish = z.strictObject({ mode, ...engineWish.partial().shape })

const path = z.object({ id: text(128) })

const get = createRoute({
  method: 'get',
  path: '/',
  summary: 'Look at web search, and at the engines there are',
  responses: { 200: { description: 'How it is set up.', content: json(searchView) }, ...refusals },
})

const put = createRoute({
  method: 'put',
  path: '/',
  summary: 'Set web search up, for all or off',
  request: { body: { required: true, content: json(searchWish) } },
  responses: { 200: { description: 'How it is set up now.', content: json(searchView) }, ...refusals },
})

const putOwn = createRoute({
  method: 'put',
  path: '/keys/{id}',
  summary: "Set a key's own engine up",
  request: { params: path, body: { required: true, content: json(engineWish) } },
  responses: { 200: { description: 'The engine.', content: json(engineView) }, ...refusals },
})

const removeOwn = createRoute({
  method: 'delete',
  path: '/keys/{id}',
  summary: "Take a key's own engine away",
  request: { params: path },
  responses: { 204: { description: 'It has none.' }, ...refusals },
})

type Described = z.infer<typeof searchView>

export const search = resource()
  .openapi(get, async (c) => c.json(await described(c.env), 200))
  .openapi(put, async (c) => {
    const wish = c.req.valid('json')
    if (wish.engine !== undefined) await storeEngine(c.env, SEARCH_ENGINE, wish.engine, wish.settings ?? {})
    await c.env.data.settings.put(SEARCH_MODE, wish.mode)
    return c.json(await described(c.env), 200)
  })
  .openapi(putOwn, async (c) => {
    const { id } = c.req.valid('param')
    if (!(await c.env.data.keys.byId(id)))
      throw new GatewayError('not_found_error', `There is no key '${id}'.`)
    const { engine, settings } = c.req.valid('json')
    const stored = await storeEngine(c.env, ownEngine(id), engine, settings)
    c.env.cache.forget(`search:${id}`)
    return c.json(view(stored), 200)
  })
  .openapi(removeOwn, async (c) => {
    const { id } = c.req.valid('param')
    if (!(await c.env.data.settings.drop(ownEngine(id)))) {
      throw new GatewayError('not_found_error', `The key '${id}' has no engine of its own.`)
    }
    c.env.cache.forget(`search:${id}`)
    return c.body(null, 204)
  })

async function described(runtime: Parameters<typeof searchMode>[0]): Promise<Described> {
  const stored = await storedEngine(runtime, SEARCH_ENGINE)
  return {
    mode: await searchMode(runtime),
    engine: stored ? view(stored) : null,
    engines: Object.values(engines).map(({ kind, label, fields }) => ({
      kind,
      label,
      fields: fields.map(({ name, label: title, required = false, secret = false, hint = '' }) => {
        return { name, label: title, required, secret, hint }
      }),
    })),
  }
}

function view({ kind, settings }: StoredEngine): z.infer<typeof engineView> {
  const secrets = engines[kind]?.fields.filter(({ secret }) => secret).map(({ name }) => name) ?? []
  return { engine: kind, settings: { ...settings } as Record<string, string>, secrets }
}
