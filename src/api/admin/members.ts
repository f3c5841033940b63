/** Members: who is in a team, and who leads it. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Membership } from '../../data/memberships.ts'
import { GatewayError } from '../../errors.ts'
import { forgetKeysOf } from '../../gateway/authenticate.ts'
import { covers } from '../../gateway/permissions.ts'
import type { AdminEnv } from '../env.ts'
import { audited } from './audited.ts'
import { noSuch } from './fields.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const role = z.enum(['lead', 'member']).describe('A lead sees and changes what is the team’s.')

const memberView = z
  .object({ id: z.string().describe('Of the user.'), name: z.string(), email: z.string().nullable(), role })
  .openapi('Member')

const team = z.object({ id: text(128) })
const member = team.extend({ user: text(128) })

const list = operation({
  needs: 'members.read',
  method: 'get',
  path: '/{id}/members',
  summary: 'List who is in a team',
  request: { params: team, query: z.object(paging) },
  responses: { 200: { description: 'A page of members.', content: json(pageOf(memberView)) }, ...refusals },
})

const put = operation({
  needs: 'members.change',
  method: 'put',
  path: '/{id}/members/{user}',
  summary: 'Put a user into a team, or give them another part in it; who leads it is for admins to say',
  request: {
    params: member,
    body: { required: true, content: json(z.strictObject({ role: role.default('member') })) },
  },
  responses: { 200: { description: 'The member.', content: json(memberView) }, ...refusals },
})

const remove = operation({
  needs: 'members.change',
  method: 'delete',
  path: '/{id}/members/{user}',
  summary: 'Take a user out of a team: their keys for it work no more',
  request: { params: member },
  responses: { 204: { description: 'They are not in it.' }, ...refusals },
})

export const members = resource()
  .openapi(list, async (c) => {
    const { id } = c.req.valid('param')
    const { limit, cursor } = c.req.valid('query')
    requireReached(c, id)
    if (!(await c.env.data.teams.byId(id))) throw noSuch('team', id)
    const found = await c.env.data.memberships.in(id, { after: cursor, limit: limit + 1 })
    return c.json(cutPage(found, limit), 200)
  })
  .openapi(put, async (c) => {
    const { id: teamId, user: userId } = c.req.valid('param')
    const { role } = c.req.valid('json')
    requireReached(c, teamId)
    const answer = await audited(c, async (tables) => {
      // Held until the end: nobody archives either of them meanwhile.
      if (!(await tables.teams.lock(teamId))) throw noSuch('team', teamId)
      const user = await tables.users.lock(userId)
      if (!user) throw noSuch('user', userId)
      const before = await tables.memberships.find(teamId, userId)
      requireMayName(c, before, role)
      const createdAt = before?.createdAt ?? new Date(c.env.now())
      await tables.memberships.put({ teamId, userId, role, createdAt })
      const { id, name, email } = user
      return { answer: { id, name, email, role }, entry: entry(teamId, userId, before?.role, role) }
    })
    await forgetKeysOf(c.env, { userId })
    return c.json(answer, 200)
  })
  .openapi(remove, async (c) => {
    const { id: teamId, user: userId } = c.req.valid('param')
    requireReached(c, teamId)
    await audited(c, async (tables) => {
      const gone = await tables.memberships.drop(teamId, userId)
      if (!gone) throw noSuch('member', userId)
      requireMayName(c, gone, 'member')
      return { answer: undefined, entry: entry(teamId, userId, gone.role, undefined) }
    })
    await forgetKeysOf(c.env, { userId })
    return c.body(null, 204)
  })

function entry(teamId: string, userId: string, before: string | undefined, after: string | undefined) {
  const state = (role: string | undefined) => (role === undefined ? null : { user_id: userId, role })
  const what = before === undefined ? 'add' : after === undefined ? 'remove' : 'change'
  return { action: `member.${what}`, target: `team:${teamId}`, before: state(before), after: state(after) }
}

/** A team that somebody does not lead is not there for them. @throws GatewayError not_found_error */
function requireReached({ var: { scope } }: Context<AdminEnv>, teamId: string) {
  if (!covers(scope, { teamId })) throw noSuch('team', teamId)
}

/** @throws GatewayError permission_error where a lead makes or unmakes one. */
function requireMayName({ var: { scope } }: Context<AdminEnv>, before: Membership | undefined, role: string) {
  if (scope.all || (role !== 'lead' && before?.role !== 'lead')) return
  throw new GatewayError('permission_error', 'Who leads a team is for admins to say.')
}
