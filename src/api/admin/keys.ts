/** Keys: what developers call with. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Tables } from '../../data/data.ts'
import type { Key } from '../../data/keys.ts'
import { GatewayError } from '../../errors.ts'
import { forgetKey } from '../../gateway/authenticate.ts'
import { ownerOf, type Powers, requireNarrower, requireWithinTeam } from '../../gateway/keyrights.ts'
import { createKey, rotateKey } from '../../gateway/keys.ts'
import { covers } from '../../gateway/permissions.ts'
import type { AdminEnv } from '../env.ts'
import { audited } from './audited.ts'
import { conflict, noSuch, path, search } from './fields.ts'
import { keyChange, keyView, keyWish, newKeyView, storedBounds, viewOf } from './keyfields.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const create = operation({
  needs: 'keys.change',
  method: 'post',
  path: '/',
  summary: 'Make a key: for oneself and one’s team, unless an admin says otherwise',
  request: { body: { required: true, content: json(keyWish) } },
  responses: { 201: { description: 'The key, with its secret.', content: json(newKeyView) }, ...refusals },
})

const list = operation({
  needs: 'keys.read',
  method: 'get',
  path: '/',
  summary: 'List keys, oldest first',
  request: {
    query: z.object({ ...paging, user: text(128).optional(), team: text(128).optional(), search }),
  },
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
  request: { params: path, body: { required: true, content: json(keyChange) } },
  responses: { 200: { description: 'The key as it is now.', content: json(keyView) }, ...refusals },
})

const MONTH = 2_592_000
const rotation = z.strictObject({
  grace_seconds: z
    .int()
    .min(0)
    .max(MONTH)
    .default(86_400)
    .describe('How long the secret that it has works beside the new one. The one before that stops at once.'),
})

const rotate = operation({
  needs: 'keys.change',
  method: 'post',
  path: '/{id}/rotate',
  summary: 'Give a key another secret',
  request: { params: path, body: { required: true, content: json(rotation) } },
  responses: {
    200: { description: 'The key, with its new secret.', content: json(newKeyView) },
    ...refusals,
  },
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
    const wish = c.req.valid('json')
    const { now } = c.env
    const { key, secret } = await audited(c, async (tables) => {
      const said = { userId: wish.user_id, teamId: wish.team_id }
      const { team, ...owner } = await ownerOf(tables, c.var, said)
      const bounds = storedBounds(wish)
      if (team) requireWithinTeam(team, bounds)
      requireAhead(bounds.expiresAt, now())
      const made = await createKey(
        { data: tables, now },
        { name: wish.name, ...owner, ...bounds },
        c.var.actor.id,
      )
      return { answer: made, entry: entry('create', made.key.id, null, viewOf(made.key, now())) }
    })
    return c.json({ ...viewOf(key, now()), key: secret }, 201)
  })
  .openapi(list, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const page = { ...filter, within: c.var.scope, after: cursor, limit: limit + 1 }
    const { data, next } = cutPage(await c.env.data.keys.list(page), limit)
    return c.json({ data: data.map((key) => viewOf(key, c.env.now())), next }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    return c.json(viewOf(reached(c, await c.env.data.keys.byId(id), id), c.env.now()), 200)
  })
  .openapi(change, async (c) => {
    const { id } = c.req.valid('param')
    const { disabled, name, ...wish } = c.req.valid('json')
    const at = c.env.now()
    const key = await audited(c, async (tables) => {
      const before = reached(c, await tables.keys.lock(id), id)
      const powers: Powers = { ...storedBounds(wish), ...stopped(before, disabled, at) }
      await requireMay(c, tables, before, powers)
      const after = (await tables.keys.change(id, { name, ...powers })) ?? before
      return { answer: after, entry: entry('change', id, viewOf(before, at), viewOf(after, at)) }
    })
    forgetKey(c.env, key.hash, key.previousHash)
    return c.json(viewOf(key, at), 200)
  })
  .openapi(rotate, async (c) => {
    const { id } = c.req.valid('param')
    const grace = c.req.valid('json').grace_seconds * 1_000
    const { now } = c.env
    const { before, key, secret } = await audited(c, async (tables) => {
      const found = reached(c, await tables.keys.lock(id), id)
      const rotated = await rotateKey({ data: tables, now }, found, grace)
      if (!rotated) throw conflict('Somebody else has just given this key another secret.')
      const change = entry('rotate', id, viewOf(found, now()), viewOf(rotated.key, now()))
      return { answer: { before: found, ...rotated }, entry: change }
    })
    forgetKey(c.env, before.hash, before.previousHash)
    return c.json({ ...viewOf(key, now()), key: secret }, 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    const at = c.env.now()
    const key = await audited(c, async (tables) => {
      const before = reached(c, await tables.keys.lock(id), id)
      await tables.keys.remove(id, new Date(at))
      return { answer: before, entry: entry('delete', id, viewOf(before, at), null) }
    })
    forgetKey(c.env, key.hash, key.previousHash)
    return c.body(null, 204)
  })

function entry(what: string, id: string, before: object | null, after: object | null) {
  return { action: `key.${what}`, target: `key:${id}`, before, after }
}

/** What somebody may not see is not there. @throws GatewayError not_found_error */
function reached(c: Context<AdminEnv>, key: Key | undefined, id: string): Key {
  if (!key || !covers(c.var.scope, key)) throw noSuch('key', id)
  return key
}

async function requireMay(c: Context<AdminEnv>, tables: Tables, key: Key, powers: Powers) {
  const { scope } = c.var
  const team = key.teamId === null ? undefined : await tables.teams.byId(key.teamId)
  if (team) requireWithinTeam(team, powers)
  const isTheirs = scope.all || (key.teamId !== null && scope.teams.includes(key.teamId))
  if (!isTheirs) requireNarrower(key, powers)
}

/** A key that is disabled already keeps the time when that was. */
function stopped(key: Key, disabled: boolean | undefined, at: number): Pick<Powers, 'disabledAt'> {
  if (disabled === undefined) return {}
  return { disabledAt: disabled ? (key.disabledAt ?? new Date(at)) : null }
}

function requireAhead(time: Date | null | undefined, now: number) {
  if (time && time.getTime() <= now)
    throw new GatewayError('invalid_request_error', 'expires_at: Input should be in the future')
}
