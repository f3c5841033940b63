/** Every path the gateway answers, and the one place where errors become answers. */
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { admin } from './api/admin.ts'
import { assets } from './api/assets.ts'
import type { Env } from './api/env.ts'
import { health } from './api/health.ts'
import { invoke } from './api/invoke.ts'
import { messages } from './api/messages.ts'
import { metrics } from './api/metrics.ts'
import { models } from './api/models.ts'
import { RecallingRouter } from './api/recalling.ts'
import { report } from './api/report.ts'
import { requests } from './api/requests.ts'
import { untilStopping } from './api/stopping.ts'
import { tokens } from './api/tokens.ts'
import { errorResponse, GatewayError } from './errors.ts'
import { newId } from './protocol/ids.ts'

export const app = new Hono<Env>({ router: new RecallingRouter() })

app.use((c, next) => {
  const startedAt = c.env.now()
  c.set('startedAt', startedAt)
  c.set('requestId', newId('req', startedAt))
  return next()
})

/** What every answer says that is made by Hono. */
function prepare(c: Context<Env>) {
  c.header('request-id', c.var.requestId)
  c.header('x-content-type-options', 'nosniff')
}

app.use(untilStopping)

/** Office add-ins call from pages of Anthropic's. */
const PAGES = /^https:\/\/([a-z0-9-]+\.)*claude\.ai$/
const forPages = cors({
  origin: (origin) => (PAGES.test(origin) ? origin : null),
  exposeHeaders: ['request-id', 'retry-after'],
})
// Only for pages: on the way back it would cost every stream the server's fast path.
app.use('/v1/*', (c, next) => {
  if (c.req.header('origin') === undefined) return next()
  prepare(c)
  return forPages(c, next)
})

const DOORS = ['/v1', '/anthropic/v1']

// Before what follows: its answers say all of it themselves, and need no Headers prepared.
for (const door of DOORS) app.route(`${door}/messages`, messages)
app.use((c, next) => {
  prepare(c)
  return next()
})
for (const door of DOORS) {
  app.route(`${door}/messages/count_tokens`, tokens)
  app.route(`${door}/models`, models)
  app.route(`${door}/requests`, requests)
}
app.route('/model', invoke)
app.route('/admin', admin)
app.route('/metrics', metrics)
app.route('/', health)
app.route('/', assets)

/** The method of every path that has but one, for those who come with another. */
const METHODS: Readonly<Record<string, string>> = {
  '/v1/messages': 'POST',
  '/v1/messages/count_tokens': 'POST',
  '/v1/models': 'GET, HEAD',
  '/api/hello': 'GET, HEAD',
  '/health': 'GET, HEAD',
  '/metrics': 'GET, HEAD',
  '/ready': 'GET, HEAD',
}

app.notFound((c) => errorResponse(nothingHere(c.req.method, c.req.path), c.var.requestId))

function nothingHere(method: string, path: string): GatewayError {
  const allow = METHODS[path.replace(/^\/anthropic(?=\/v1\/)/, '')]
  if (allow !== undefined) {
    const sentence = `${method} is not answered at ${path}. It takes ${allow}.`
    return new GatewayError('invalid_request_error', sentence, { status: 405, headers: { allow } })
  }
  const doubled = path.startsWith('/v1/v1/') ? ' ANTHROPIC_BASE_URL must not end in /v1.' : ''
  return new GatewayError(
    'not_found_error',
    `There is nothing at this path.${doubled} Messages go to POST /v1/messages.`,
  )
}

app.onError((error, c) => errorResponse(report(error, c), c.var.requestId))
