/** Web search: which engine answers, for all or for one key. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Tables } from '../../data/data.ts'
import { GatewayError } from '../../errors.ts'
import {
  type EngineDesk,
  ownEngine,
  SEARCH_ENGINE,
  SEARCH_MODE,
  type StoredEngine,
  searchMode,
  storedEngine,
  storeEngine,
} from '../../gateway/engines.ts'
import { engines } from '../../search/index.ts'
import type { AdminEnv } from '../env.ts'
import { audited } from './audited.ts'
import { noSuch } from './fields.ts'
import { json, operation, refusals, resource, text } from './resource.ts'

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

const get = operation({
  needs: 'search.read',
  method: 'get',
  path: '/',
  summary: 'Look at web search, and at the engines there are',
  responses: { 200: { description: 'How it is set up.', content: json(searchView) }, ...refusals },
})

const put = operation({
  needs: 'search.change',
  method: 'put',
  path: '/',
  summary: 'Set web search up, for all or off',
  request: { body: { required: true, content: json(searchWish) } },
  responses: { 200: { description: 'How it is set up now.', content: json(searchView) }, ...refusals },
})

const putOwn = operation({
  needs: 'search.change',
  method: 'put',
  path: '/keys/{id}',
  summary: "Set a key's own engine up",
  request: { params: path, body: { required: true, content: json(engineWish) } },
  responses: { 200: { description: 'The engine.', content: json(engineView) }, ...refusals },
})

const removeOwn = operation({
  needs: 'search.change',
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
    const answer = await audited(c, async (tables) => {
      const desk = deskOf(c, tables)
      const before = standingOf(await described(desk))
      if (wish.engine !== undefined) await storeEngine(desk, SEARCH_ENGINE, wish.engine, wish.settings ?? {})
      await tables.settings.put(SEARCH_MODE, wish.mode)
      const after = await described(desk)
      return { answer: after, entry: entry('search', before, standingOf(after)) }
    })
    return c.json(answer, 200)
  })
  .openapi(putOwn, async (c) => {
    const { id } = c.req.valid('param')
    const { engine, settings } = c.req.valid('json')
    const answer = await audited(c, async (tables) => {
      if (!(await tables.keys.byId(id))) throw noSuch('key', id)
      const before = await storedEngine({ data: tables }, ownEngine(id))
      const after = view(await storeEngine(deskOf(c, tables), ownEngine(id), engine, settings))
      return { answer: after, entry: entry(`key:${id}`, before ? view(before) : null, after) }
    })
    c.env.cache.forget(`search:${id}`)
    return c.json(answer, 200)
  })
  .openapi(removeOwn, async (c) => {
    const { id } = c.req.valid('param')
    await audited(c, async (tables) => {
      const before = await storedEngine({ data: tables }, ownEngine(id))
      if (!before || !(await tables.settings.drop(ownEngine(id)))) {
        throw new GatewayError('not_found_error', `The key '${id}' has no engine of its own.`)
      }
      return { answer: undefined, entry: entry(`key:${id}`, view(before), null) }
    })
    c.env.cache.forget(`search:${id}`)
    return c.body(null, 204)
  })

function deskOf({ env: { config, log } }: Context<AdminEnv>, data: Tables): EngineDesk {
  return { config, log, data }
}

function entry(target: string, before: object | null, after: object | null) {
  return { action: 'search.change', target, before, after }
}

/** Without the engines there are. */
function standingOf({ mode, engine }: Described) {
  return { mode, engine }
}

async function described(runtime: EngineDesk): Promise<Described> {
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
