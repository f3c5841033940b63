/** Users: who there is, and what they are to the whole installation. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { isTaken } from '../../data/database.ts'
import type { Membership } from '../../data/memberships.ts'
import type { User } from '../../data/users.ts'
import { forgetKeysOf } from '../../gateway/authenticate.ts'
import { newId } from '../../protocol/ids.ts'
import type { AdminEnv } from '../env.ts'
import { audited } from './audited.ts'
import {
  conflict,
  limitsView,
  limitsWish,
  name,
  newLimits,
  noSuch,
  path,
  search,
  shownLimits,
  storedLimits,
} from './fields.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const role = z
  .enum(['admin', 'auditor', 'member'])
  .describe('Of the whole installation. Who leads a team is said with the team.')

const email = text(320)
  .trim()
  .toLowerCase()
  .regex(/^[^\s@]+@[^\s@]+$/, 'Input should be an e-mail address')
  .nullable()

const subject = text(400).min(1).nullable().describe('What the identity provider calls them.')

const userView = z
  .object({
    id: z.string(),
    subject,
    email: z.string().nullable(),
    name,
    role,
    active: z.boolean().describe('Where it is false, nothing that is theirs works.'),
    limits: limitsView,
    teams: z.array(z.object({ team_id: z.string(), role: z.enum(['lead', 'member']) })),
    created_at: z.iso.datetime(),
  })
  .openapi('User')

const fields = {
  email: email.optional(),
  subject: subject.optional(),
  role: role.optional(),
  limits: limitsWish.optional(),
}

const create = operation({
  needs: 'users.change',
  method: 'post',
  path: '/',
  summary: 'Add a user',
  request: { body: { required: true, content: json(z.strictObject({ name, ...fields })) } },
  responses: { 201: { description: 'The user.', content: json(userView) }, ...refusals },
})

const list = operation({
  needs: 'users.read',
  method: 'get',
  path: '/',
  summary: 'List users, oldest first; or those whose name or e-mail begins with something',
  request: { query: z.object({ ...paging, search }) },
  responses: { 200: { description: 'A page of users.', content: json(pageOf(userView)) }, ...refusals },
})

const get = operation({
  needs: 'users.read',
  method: 'get',
  path: '/{id}',
  summary: 'Look at a user',
  request: { params: path },
  responses: { 200: { description: 'The user.', content: json(userView) }, ...refusals },
})

const change = operation({
  needs: 'users.change',
  method: 'patch',
  path: '/{id}',
  summary: 'Rename, promote, limit, deactivate or reactivate a user',
  request: {
    params: path,
    body: {
      required: true,
      content: json(z.strictObject({ name: name.optional(), ...fields, active: z.boolean().optional() })),
    },
  },
  responses: { 200: { description: 'The user as they are now.', content: json(userView) }, ...refusals },
})

const remove = operation({
  needs: 'users.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Archive a user: nothing that is theirs works, and what they spent stays theirs',
  request: { params: path },
  responses: { 204: { description: 'They are gone from every list.' }, ...refusals },
})

export const users = resource()
  .openapi(create, async (c) => {
    const { name, email = null, subject = null, role = 'member', limits } = c.req.valid('json')
    const at = c.env.now()
    const user: User = {
      id: newId('user', at),
      name,
      email,
      subject,
      role,
      ...newLimits(limits),
      createdAt: new Date(at),
      deactivatedAt: null,
      archivedAt: null,
    }
    await audited(c, async (tables) => {
      await tables.users.create(user).catch(taken)
      return { answer: user, entry: entry('create', user.id, null, view(user)) }
    })
    return c.json(view(user), 201)
  })
  .openapi(list, async (c) => {
    const { limit, cursor, search } = c.req.valid('query')
    const page = { within: c.var.scope, search, after: cursor, limit: limit + 1 }
    const { data, next } = cutPage(await c.env.data.users.list(page), limit)
    const memberships = await c.env.data.memberships.of(data.map(({ id }) => id))
    return c.json({ data: data.map((user) => view(user, visibleTo(c, memberships))), next }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    const memberships = await c.env.data.memberships.of([id])
    const user = isVisible(c, id, memberships) ? await c.env.data.users.byId(id) : undefined
    if (!user) throw noSuch('user', id)
    return c.json(view(user, visibleTo(c, memberships)), 200)
  })
  .openapi(change, async (c) => {
    const { id } = c.req.valid('param')
    const { active, limits, ...wish } = c.req.valid('json')
    const at = new Date(c.env.now())
    const answer = await audited(c, async (tables) => {
      const admins = await tables.users.lockAdmins()
      const before = await tables.users.lock(id)
      if (!before) throw noSuch('user', id)
      if (active === false || (wish.role ?? 'admin') !== 'admin') requireAnotherAdmin(c, admins, id)
      const state =
        active === undefined ? {} : { deactivatedAt: active ? null : (before.deactivatedAt ?? at) }
      const fields = { ...wish, ...storedLimits(limits), ...state }
      const after = (await tables.users.change(id, fields).catch(taken)) ?? before
      const memberships = await tables.memberships.of([id])
      const [was, is] = [view(before, memberships), view(after, memberships)]
      return { answer: is, entry: entry('change', id, was, is) }
    })
    await forgetKeysOf(c.env, { userId: id })
    return c.json(answer, 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    await audited(c, async (tables) => {
      const admins = await tables.users.lockAdmins()
      const before = await tables.users.lock(id)
      if (!before) throw noSuch('user', id)
      requireAnotherAdmin(c, admins, id)
      // Whoever comes in with that subject later is somebody new.
      await tables.users.change(id, { archivedAt: new Date(c.env.now()), subject: null })
      const was = view(before, await tables.memberships.of([id]))
      return { answer: undefined, entry: entry('archive', id, was, null) }
    })
    await forgetKeysOf(c.env, { userId: id })
    return c.body(null, 204)
  })

function entry(what: string, id: string, before: object | null, after: object | null) {
  return { action: `user.${what}`, target: `user:${id}`, before, after }
}

/** Otherwise nobody could put it right but the operator, who may go on. */
function requireAnotherAdmin({ var: { actor } }: Context<AdminEnv>, admins: readonly string[], id: string) {
  if (actor.breakGlass || admins.length !== 1 || admins[0] !== id) return
  throw conflict('This is the last admin. Make somebody else one first.')
}

function isVisible(
  { var: { scope } }: Context<AdminEnv>,
  id: string,
  memberships: readonly Membership[],
): boolean {
  return scope.all || scope.userId === id || memberships.some(({ teamId }) => scope.teams.includes(teamId))
}

/** A lead is not told what else somebody is in. */
function visibleTo({ var: { scope } }: Context<AdminEnv>, memberships: readonly Membership[]): Membership[] {
  return memberships.filter(
    ({ teamId, userId }) => scope.all || userId === scope.userId || scope.teams.includes(teamId),
  )
}

function taken(error: unknown): never {
  throw isTaken(error) ? conflict('Somebody has this e-mail address, or this subject, already.') : error
}

function view(user: User, memberships: readonly Membership[] = []): z.infer<typeof userView> {
  const theirs = memberships.filter(({ userId }) => userId === user.id)
  return {
    id: user.id,
    subject: user.subject,
    email: user.email,
    name: user.name,
    role: user.role,
    active: user.deactivatedAt === null,
    limits: shownLimits(user),
    teams: theirs.map(({ teamId, role }) => ({ team_id: teamId, role })),
    created_at: user.createdAt.toISOString(),
  }
}
