/** While the process ends: what still comes in on open connections is sent to another replica. */
import { createMiddleware } from 'hono/factory'
import { GatewayError } from '../errors.ts'
import type { Env } from './env.ts'

/** Whoever watches it end is still answered. */
const WATCHED: ReadonlySet<string> = new Set(['/health', '/ready', '/metrics'])

/** The client asks again, on a new connection: this one closes. */
export const untilStopping = createMiddleware<Env>(async (c, next) => {
  if (!c.env.stopping?.hasBegun()) return next()
  if (!WATCHED.has(c.req.path)) throw isStopping()
  await next()
  c.res.headers.set('connection', 'close')
})

export function isStopping(status?: number): GatewayError {
  return new GatewayError('overloaded_error', 'This gateway is stopping. Ask again.', {
    retryAfter: 1,
    headers: { connection: 'close' },
    ...(status === undefined ? {} : { status }),
  })
}
