/** How calls find their upstream: the organisation's policy, and what would become of a call. */

import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { ROUTING, routingIn } from '../../gateway/routing/policy.ts'
import { type Preview, preview, type Seen, type Supposed } from '../../gateway/routing/preview.ts'
import { configured } from '../../gateway/routing/upstreams.ts'
import type { AdminEnv } from '../env.ts'
import { audited } from './audited.ts'
import { noSuch } from './fields.ts'
import { json, operation, refusals, resource, text } from './resource.ts'
import { requireUpstreams, routingView, routingWish, shownRouting, storedRouting } from './routingfields.ts'

const get = operation({
  needs: 'routing.read',
  method: 'get',
  path: '/',
  summary: "Look at the organisation's routing policy",
  responses: {
    200: { description: 'What is said; what is not goes without saying.', content: json(routingView) },
    ...refusals,
  },
})

const put = operation({
  needs: 'routing.change',
  method: 'put',
  path: '/',
  summary: "Replace the organisation's routing policy; every replica knows it within a minute",
  request: { body: { required: true, content: json(routingWish) } },
  responses: { 200: { description: 'As it is now.', content: json(routingView) }, ...refusals },
})

const seenView = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  turn: z.int().nullable().describe('When it would be tried, from 1; null where it would not be.'),
  reason: z.string().nullable().describe('What speaks against it.'),
  says: z.string().nullable().describe('The same in words, as a developer is told.'),
  detail: z.string().nullable(),
  region: z.string().nullable(),
  region_class: z.string().nullable().describe('How far it may run from there.'),
  model_id: z.string().nullable().describe("The upstream's own name of the model."),
  room: z
    .number()
    .nullable()
    .describe('The share of its bucket that would be left: 1 where no limit is known.'),
})

const previewView = z
  .object({
    strategy: z.string(),
    kept_to: z.string().nullable().describe('The upstream that the session is kept to.'),
    upstreams: z.array(seenView),
    refusal: z
      .object({ type: z.string(), message: z.string() })
      .nullable()
      .describe('What the caller would be told, where nothing would be tried.'),
  })
  .openapi('RoutingPreview')

const look = operation({
  needs: 'routing.read',
  method: 'get',
  path: '/preview',
  summary: 'Say where a call would go and why, as this replica knows it now, sending nothing',
  request: {
    query: z
      .object({
        model: text(500).min(1),
        team: text(128)
          .optional()
          .describe('As a key of this team would be treated that is not limited otherwise.'),
        key: text(128).optional().describe('As this key would be treated.'),
        session: text(128).optional().describe("The client's session id; with a key."),
      })
      .refine(
        ({ team, key }) => team === undefined || key === undefined,
        'team: Give a team or a key, not both',
      ),
  },
  responses: { 200: { description: 'Every upstream there is.', content: json(previewView) }, ...refusals },
})

export const routing = resource()
  .openapi(get, async (c) => {
    return c.json(shownRouting(routingIn(await c.env.data.settings.get(ROUTING))), 200)
  })
  .openapi(put, async (c) => {
    const wish = storedRouting(c.req.valid('json'))
    requireUpstreams(
      wish,
      (await configured(c.env)).map(({ id }) => id),
    )
    await audited(c, async (tables) => {
      const before = routingIn(await tables.settings.get(ROUTING))
      await tables.settings.put(ROUTING, wish)
      const entry = {
        action: 'routing.change',
        target: 'routing',
        before: shownRouting(before),
        after: shownRouting(wish),
      }
      return { answer: undefined, entry }
    })
    c.env.cache.forget(ROUTING)
    return c.json(shownRouting(wish), 200)
  })
  .openapi(look, async (c) => {
    const { model, session, ...whose } = c.req.valid('query')
    const principal = await principalOf(c, whose)
    return c.json(viewOf(await preview(c.env, { principal, model, session })), 200)
  })

/** As such a caller would be known, limits and budgets aside. */
async function principalOf(
  { env: { data } }: Context<AdminEnv>,
  { team: teamId, key: keyId }: { team?: string | undefined; key?: string | undefined },
): Promise<Supposed['principal']> {
  const key = keyId === undefined ? undefined : await data.keys.byId(keyId)
  if (keyId !== undefined && !key) throw noSuch('key', keyId)
  const owner = teamId ?? key?.teamId ?? undefined
  const team = owner === undefined ? undefined : await data.teams.byId(owner)
  if (owner !== undefined && !team) throw noSuch('team', owner)
  return {
    keyId: key?.id ?? 'key_preview',
    userId: key?.userId ?? null,
    teamId: team?.id ?? null,
    models: [key, team].flatMap((each) =>
      each ? [{ models: each.models, deniedModels: each.deniedModels }] : [],
    ),
    routing: team?.routing ?? null,
  }
}

function viewOf({ policy, binding, upstreams, refusal }: Preview): z.infer<typeof previewView> {
  return {
    strategy: policy.strategy,
    kept_to: binding?.upstream ?? null,
    upstreams: upstreams.map(seenOf),
    refusal: refusal ? { type: refusal.type, message: refusal.message } : null,
  }
}

function seenOf({ configured, turn, reason, detail, says, fit }: Seen): z.infer<typeof seenView> {
  const { id, name, kind } = configured
  return {
    ...{ id, name, kind },
    turn: turn ?? null,
    reason: reason ?? null,
    says: says ?? null,
    detail: detail ?? null,
    region: fit?.route.upstream.region ?? null,
    region_class: fit?.route.regionClass ?? null,
    model_id: fit?.route.modelId ?? null,
    room: fit?.room ?? null,
  }
}
