/** Tokens: what people and their programs use this API with. */
import { z } from '@hono/zod-openapi'
import type { Token } from '../../data/tokens.ts'
import { GatewayError } from '../../errors.ts'
import type { Actor } from '../../gateway/actor.ts'
import { covers } from '../../gateway/permissions.ts'
import { createToken } from '../../gateway/tokens.ts'
import { audited } from './audited.ts'
import { instant, name, noSuch, path } from './fields.ts'
import { cutPage, json, operation, pageOf, paging, refusals, resource, text } from './resource.ts'

const tokenView = z
  .object({
    id: z.string(),
    name,
    hint: z.string().describe('The first characters of the secret.'),
    user_id: z.string().describe('Whom it speaks for, with what they may do.'),
    read_only: z.boolean(),
    expires_at: z.iso.datetime().nullable(),
    last_used_at: z.iso.datetime().nullable().describe('To the minute.'),
    created_at: z.iso.datetime(),
  })
  .openapi('Token')

const newTokenView = tokenView
  .extend({ token: z.string().describe('The secret. Shown this once.') })
  .openapi('NewToken')

const create = operation({
  needs: 'tokens.change',
  method: 'post',
  path: '/',
  summary: 'Make a token: for oneself, unless an admin says for whom',
  request: {
    body: {
      required: true,
      content: json(
        z.strictObject({
          name,
          user_id: text(128).optional(),
          read_only: z.boolean().default(false).describe('It changes nothing, whatever the user may.'),
          expires_at: instant.nullable().optional(),
        }),
      ),
    },
  },
  responses: {
    201: { description: 'The token, with its secret.', content: json(newTokenView) },
    ...refusals,
  },
})

const list = operation({
  needs: 'tokens.read',
  method: 'get',
  path: '/',
  summary: 'List tokens, oldest first',
  request: { query: z.object({ ...paging, user: text(128).optional() }) },
  responses: { 200: { description: 'A page of tokens.', content: json(pageOf(tokenView)) }, ...refusals },
})

const remove = operation({
  needs: 'tokens.change',
  method: 'delete',
  path: '/{id}',
  summary: 'Revoke a token',
  request: { params: path },
  responses: { 204: { description: 'It works no more, on any replica.' }, ...refusals },
})

export const tokens = resource()
  .openapi(create, async (c) => {
    const { name, user_id: userId = c.var.actor.userId, read_only: readOnly, ...rest } = c.req.valid('json')
    const { now } = c.env
    const { actor, scope } = c.var
    if (userId === undefined) throw invalid('user_id: Field required: root speaks for nobody')
    if (!covers(scope, { userId })) {
      throw new GatewayError('permission_error', 'You may make tokens for yourself only.')
    }
    const expiresAt = expiry(actor, rest.expires_at, now())
    const { token, secret } = await audited(c, async (tables) => {
      if (!(await tables.users.byId(userId))) throw noSuch('user', userId)
      const made = await createToken({ data: tables, now }, { name, userId, readOnly, expiresAt })
      return { answer: made, entry: entry('create', made.token.id, null, view(made.token)) }
    })
    return c.json({ ...view(token), token: secret }, 201)
  })
  .openapi(list, async (c) => {
    const { limit, cursor, user } = c.req.valid('query')
    const page = { within: c.var.scope, user, after: cursor, limit: limit + 1 }
    const { data, next } = cutPage(await c.env.data.tokens.list(page), limit)
    return c.json({ data: data.map(view), next }, 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    await audited(c, async (tables) => {
      const token = await tables.tokens.byId(id)
      if (!token || !covers(c.var.scope, token)) throw noSuch('token', id)
      await tables.tokens.revoke(id, new Date(c.env.now()))
      return { answer: undefined, entry: entry('revoke', id, view(token), null) }
    })
    return c.body(null, 204)
  })

/** A token that is made with a token does not outlive it: else one that leaked for an hour would be for ever. */
function expiry({ until }: Actor, wish: Date | null | undefined, now: number): Date | null {
  const expiresAt = wish === undefined ? until : wish
  if (expiresAt && expiresAt.getTime() <= now) throw invalid('expires_at: Input should be in the future')
  if (until && (expiresAt === null || expiresAt > until)) {
    throw new GatewayError(
      'permission_error',
      `A token cannot outlive the one it is made with, which ends ${until.toISOString()}.`,
    )
  }
  return expiresAt
}

function entry(what: string, id: string, before: object | null, after: object | null) {
  return { action: `token.${what}`, target: `token:${id}`, before, after }
}

function invalid(sentence: string): GatewayError {
  return new GatewayError('invalid_request_error', sentence)
}

function view(token: Token): z.infer<typeof tokenView> {
  return {
    id: token.id,
    name: token.name,
    hint: token.hint,
    user_id: token.userId,
    read_only: token.readOnly,
    expires_at: token.expiresAt?.toISOString() ?? null,
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    created_at: token.createdAt.toISOString(),
  }
}
