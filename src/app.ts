/** Every path the gateway answers, and the one place where errors become answers. */
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { admin } from './api/admin.ts'
import type { Env } from './api/env.ts'
import { health } from './api/health.ts'
import { messages } from './api/messages.ts'
import { models } from './api/models.ts'
import { tokens } from './api/tokens.ts'
import { asGatewayError, errorResponse, GatewayError } from './errors.ts'
import { newId } from './protocol/ids.ts'

export const app = new Hono<Env>()

app.use(async (c, next) => {
  const startedAt = c.env.now()
  const requestId = newId('req', startedAt)
  c.set('startedAt', startedAt)
  c.set('requestId', requestId)
  c.header('request-id', requestId)
  c.header('x-content-type-options', 'nosniff')
  await next()
})

app.route('/v1/messages/count_tokens', tokens)
app.route('/v1/messages', messages)
app.route('/v1/models', models)
app.route('/admin', admin)
app.route('/', health)

/** The method of every path that has but one, for those who come with another. */
const METHODS: Readonly<Record<string, string>> = {
  '/v1/messages': 'POST',
  '/v1/messages/count_tokens': 'POST',
  '/v1/models': 'GET, HEAD',
  '/api/hello': 'GET, HEAD',
  '/health': 'GET, HEAD',
  '/ready': 'GET, HEAD',
}

app.notFound((c) => errorResponse(nothingHere(c.req.method, c.req.path), c.var.requestId))

function nothingHere(method: string, path: string): GatewayError {
  const allow = METHODS[path]
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

app.onError((error, c) => {
  const known = error instanceof HTTPException ? fromHono(error) : asGatewayError(error)
  if (known.status >= 500 && !c.req.raw.signal.aborted) {
    const cause = known.cause instanceof Error ? known.cause : error
    c.env.log('error', 'request failed', {
      id: c.var.requestId,
      path: c.req.path,
      error: cause.name,
      stack: frames(cause),
    })
  }
  return errorResponse(known, c.var.requestId)
})

/** Hono's own refusals, such as a body that is not JSON. */
function fromHono(error: HTTPException): GatewayError {
  if (error.status >= 500) return asGatewayError(error)
  return new GatewayError('invalid_request_error', error.message, { status: error.status })
}

/** Where it happened, without the message: Drizzle's holds the parameters of the statement. */
function frames(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => line.trim())
    .join(' < ')
}
