/** Who one is to this API: what a portal or a command line shows first. */
import { z } from '@hono/zod-openapi'
import { json, operation, refusals, resource } from './resource.ts'

const meView = z
  .object({
    actor: z.string().describe('As the audit log names it.'),
    name: z.string(),
    role: z.enum(['admin', 'auditor', 'member']),
    user_id: z.string().nullable(),
    leads: z.array(z.string()).describe('Teams that one leads.'),
    teams: z.array(z.string()).describe('Teams that one is in, led or not.'),
    read_only: z.boolean(),
    expires_at: z.iso.datetime().nullable().describe('When the token does.'),
  })
  .openapi('Me')

const get = operation({
  needs: 'self.read',
  method: 'get',
  path: '/',
  summary: 'Look at who one is',
  responses: { 200: { description: 'Oneself.', content: json(meView) }, ...refusals },
})

export const me = resource().openapi(get, (c) => {
  const { id, name, role, userId, leads, teams, readOnly, until } = c.var.actor
  return c.json(
    {
      actor: id,
      name,
      role,
      user_id: userId ?? null,
      leads: [...leads],
      teams: [...teams],
      read_only: readOnly,
      expires_at: until?.toISOString() ?? null,
    },
    200,
  )
})
