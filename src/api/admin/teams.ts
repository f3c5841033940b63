/** Teams: who spends together, and what they may. */
import { z } from '@hono/zod-openapi'
import type { Tables } from '../../data/data.ts'
import { isTaken } from '../../data/database.ts'
import type { RoutingPolicy } from '../../data/tables/upstreams.ts'
import type { Team } from '../../data/teams.ts'
import { forgetKeysOf } from '../../gateway/authenticate.ts'
import { ROUTING, routingIn } from '../../gateway/routing/policy.ts'
import { configured } from '../../gateway/routing/upstreams.ts'
import { newId } from '../../protocol/ids.ts'
import type { Runtime } from '../../runtime.ts'
import { audited } from './audited.ts'
import {
  conflict,
  deniedModels,
  limitsView,
  limitsWish,
  models,
  name,
  newLimits,
  noSuch,
  path,
  search,
  shownLimits,
  storedLimits,
} from './fields.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource } from './resource.ts'
import {
  requireUpstreams,
  requireWithin,
  routingView,
  routingWish,
  shownRouting,
  storedRouting,
} from './routingfields.ts'

const routing = routingView.nullable()

const teamView = z
  .object({
    id: z.string(),
    name,
    models,
    denied_models: deniedModels,
    limits: limitsView.describe('Of all its members together.'),
    routing: routing.describe("Its own policy, over the organisation's; null is the organisation's."),
    created_at: z.iso.datetime(),
  })
  .openapi('Team')

const fields = {
  models: models.optional(),
  denied_models: deniedModels.optional(),
  limits: limitsWish.optional(),
  routing: routingWish
    .nullable()
    .describe("Replaces all that was said; null is the organisation's.")
    .optional(),
}

const create = operation({
  needs: 'teams.change',
  method: 'post',
  path: '/',
  summary: 'Make a team',
  request: { body: { required: true, content: json(z.strictObject({ name, ...fields })) } },
  responses: { 201: { description: 'The team.', content: json(teamView) }, ...refusals },
})

const list = operation({
  needs: 'teams.read',
  method: 'get',
  path: '/',
  summary: 'List teams, oldest first; or those whose name begins with something',
  request: { query: z.object({ ...paging, search }) },
  responses: { 200: { description: 'A page of teams.', content: json(pageOf(teamView)) }, ...refusals },
})

const get = operation({
  needs: 'teams.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at a team',
  request: { params: path },
  responses: { 200: { description: 'The team.', content: json(teamView) }, ...refusals },
})

const change = operation({
  needs: 'teams.change',
  method: 'patch',
  path: '/{id}',
  summary: 'Rename, restrict or limit a team',
  request: {
    params: path,
    body: { required: true, content: json(z.strictObject({ name: name.optional(), ...fields })) },
  },
  responses: { 200: { description: 'The team as it is now.', content: json(teamView) }, ...refusals },
})

const remove = operation({
  needs: 'teams.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Archive a team: its keys work no more, and what it spent stays its own',
  request: { params: path },
  responses: { 204: { description: 'It is gone from every list.' }, ...refusals },
})

export const teams = resource()
  .openapi(create, async (c) => {
    const { name, models = null, denied_models: deniedModels = null, limits, routing } = c.req.valid('json')
    const policy = routing ? storedRouting(routing) : null
    await requireKnown(c.env, policy)
    const at = c.env.now()
    const team = {
      id: newId('team', at),
      name,
      models,
      deniedModels,
      routing: policy,
      ...newLimits(limits),
      createdAt: new Date(at),
      archivedAt: null,
    }
    await audited(c, async (tables) => {
      await requireBounded(tables, policy)
      await tables.teams.create(team).catch(taken)
      return { answer: team, entry: entry('create', team.id, null, view(team)) }
    })
    return c.json(view(team), 201)
  })
  .openapi(list, async (c) => {
    const { limit, cursor, search } = c.req.valid('query')
    const page = { within: c.var.scope, search, after: cursor, limit: limit + 1 }
    const { data, next } = cutPage(await c.env.data.teams.list(page), limit)
    return c.json({ data: data.map(view), next }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    const { scope, actor } = c.var
    const team = scope.all || actor.teams.includes(id) ? await c.env.data.teams.byId(id) : undefined
    if (!team) throw noSuch('team', id)
    return c.json(view(team), 200)
  })
  .openapi(change, async (c) => {
    const { id } = c.req.valid('param')
    const { name, models, denied_models: deniedModels, limits, routing } = c.req.valid('json')
    const policy = routing ? storedRouting(routing) : routing
    await requireKnown(c.env, policy)
    const after = await audited(c, async (tables) => {
      const before = await tables.teams.lock(id)
      if (!before) throw noSuch('team', id)
      await requireBounded(tables, policy)
      const wish = { name, models, deniedModels, routing: policy, ...storedLimits(limits) }
      const team = (await tables.teams.change(id, wish).catch(taken)) ?? before
      return { answer: team, entry: entry('change', id, view(before), view(team)) }
    })
    await forgetKeysOf(c.env, { teamId: id })
    return c.json(view(after), 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    await audited(c, async (tables) => {
      const before = await tables.teams.lock(id)
      if (!before) throw noSuch('team', id)
      await tables.teams.change(id, { archivedAt: new Date(c.env.now()) })
      return { answer: undefined, entry: entry('archive', id, view(before), null) }
    })
    await forgetKeysOf(c.env, { teamId: id })
    return c.body(null, 204)
  })

function entry(what: string, id: string, before: object | null, after: object | null) {
  return { action: `team.${what}`, target: `team:${id}`, before, after }
}

/** Nothing but what there is may be named. */
async function requireKnown(runtime: Runtime, policy: RoutingPolicy | null | undefined) {
  if (policy?.upstreams)
    requireUpstreams(
      policy,
      (await configured(runtime)).map(({ id }) => id),
    )
}

async function requireBounded(
  { settings }: Pick<Tables, 'settings'>,
  policy: RoutingPolicy | null | undefined,
) {
  if (policy) requireWithin(policy, routingIn(await settings.get(ROUTING)))
}

function taken(error: unknown): never {
  throw isTaken(error) ? conflict('There is a team of this name already.') : error
}

function view(team: Team): z.infer<typeof teamView> {
  return {
    id: team.id,
    name: team.name,
    models: team.models,
    denied_models: team.deniedModels,
    limits: shownLimits(team),
    routing: team.routing && shownRouting(team.routing),
    created_at: team.createdAt.toISOString(),
  }
}
