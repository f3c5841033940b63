/**
 * The admin API: one file per resource. Conventions of all of them: ids with a prefix, lists as `{data, next}` where
 * `next` is the cursor of the page after, Anthropic's error envelope, times in RFC 3339, money in nano-dollars.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { GatewayError } from '../errors.ts'
import { administer } from '../gateway/administer.ts'
import { capabilities } from './admin/capabilities.ts'
import { keys } from './admin/keys.ts'
import { search } from './admin/search.ts'
import { spend } from './admin/spend.ts'
import type { Env } from './env.ts'

const MAX_BODY = 1_000_000
const DOCUMENT = '/openapi.json'

export const admin = new OpenAPIHono<Env>()

admin.use(async (c, next) => {
  if (c.req.path !== `/admin${DOCUMENT}`) await administer(c.env, c.req.raw.headers)
  await next()
})
/** Judged by what its headers say, a body is left to the server to read away, and the answer arrives for certain. */
admin.use((c, next) => {
  if (Number(c.req.header('content-length')) > MAX_BODY) throw tooLarge()
  return next()
})
admin.use(
  bodyLimit({
    maxSize: MAX_BODY,
    onError: () => {
      throw tooLarge({ connection: 'close' }) // the rest of the body is still on its way
    },
  }),
)

function tooLarge(headers: Record<string, string> = {}): GatewayError {
  return new GatewayError('request_too_large', `The admin API takes at most ${MAX_BODY} bytes.`, { headers })
}

admin.openAPIRegistry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })

const mounted = admin
  .route('/keys', keys)
  .route('/spend', spend)
  .route('/capabilities', capabilities)
  .route('/search', search)

admin.doc31(DOCUMENT, {
  openapi: '3.1.0',
  info: { title: 'Outcrop admin API', version: '0.1.0' },
  servers: [{ url: '/admin' }],
  security: [{ adminToken: [] }],
})

/** For typed clients: `hc<AdminApi>`. @public */
export type AdminApi = typeof mounted
