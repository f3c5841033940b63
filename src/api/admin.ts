/**
 * The admin API: one file per resource. Conventions of all of them: ids with a prefix, lists as `{data, next}` where
 * `next` is the cursor of the page after, Anthropic's error envelope, times in RFC 3339, money in nano-dollars.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { GatewayError } from '../errors.ts'
import { administer } from '../gateway/administer.ts'
import { audit } from './admin/audit.ts'
import { budgets } from './admin/budgets.ts'
import { capabilities } from './admin/capabilities.ts'
import { channels } from './admin/channels.ts'
import { doctor } from './admin/doctor.ts'
import { headroom } from './admin/headroom.ts'
import { keys } from './admin/keys.ts'
import { limits } from './admin/limits.ts'
import { me } from './admin/me.ts'
import { members } from './admin/members.ts'
import { notices } from './admin/notices.ts'
import { organisation } from './admin/organisation.ts'
import { prices } from './admin/prices.ts'
import { repricing } from './admin/repricing.ts'
import { requests } from './admin/requests.ts'
import { requirePermissions } from './admin/resource.ts'
import { retention } from './admin/retention.ts'
import { routing } from './admin/routing.ts'
import { search } from './admin/search.ts'
import { teams } from './admin/teams.ts'
import { tokens } from './admin/tokens.ts'
import { upstreams } from './admin/upstreams.ts'
import { usage } from './admin/usage.ts'
import { users } from './admin/users.ts'
import type { AdminEnv } from './env.ts'

const MAX_BODY = 1_000_000
const DOCUMENT = '/openapi.json'

export const admin = new OpenAPIHono<AdminEnv>()

admin.use(async (c, next) => {
  if (c.req.path !== `/admin${DOCUMENT}`) c.set('actor', await administer(c.env, c.req.raw.headers))
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
  .route('/me', me)
  .route('/users', users)
  .route('/teams', teams)
  .route('/teams', members)
  .route('/keys', keys)
  .route('/tokens', tokens)
  .route('/audit', audit)
  .route('/budgets', budgets)
  .route('/limits', limits)
  .route('/organisation', organisation)
  .route('/requests', requests)
  .route('/', usage)
  .route('/retention', retention)
  .route('/capabilities', capabilities)
  .route('/headroom', headroom)
  .route('/search', search)
  .route('/routing', routing)
  .route('/prices', prices)
  .route('/prices', repricing)
  .route('/notices', notices)
  .route('/channels', channels)
  .route('/upstreams', upstreams)
  .route('/upstreams', doctor)

requirePermissions(admin)

admin.doc31(DOCUMENT, {
  openapi: '3.1.0',
  info: { title: 'Outcrop admin API', version: '0.1.0' },
  servers: [{ url: '/admin' }],
  security: [{ adminToken: [] }],
})

/** For typed clients: `hc<AdminApi>`. @public */
export type AdminApi = typeof mounted
