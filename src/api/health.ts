/** Is it alive, is it ready. Neither tells a stranger anything about the installation. */
import { Hono } from 'hono'
import { GatewayError } from '../errors.ts'
import type { Env } from './env.ts'
import { isStopping } from './stopping.ts'

export const health = new Hono<Env>()
  .get('/health', (c) => c.json({ status: 'ok' }))
  .get('/ready', async (c) => {
    if (c.env.stopping?.hasBegun()) throw isStopping(503)
    await c.env.data.ping().catch((cause: unknown) => {
      throw new GatewayError('api_error', 'The database does not answer.', {
        cause,
        status: 503,
        retryAfter: 5,
      })
    })
    return c.json({ status: 'ready' })
  })
  // Claude Code warms its connection up with a HEAD here; any answer will do.
  .get('/api/hello', (c) => c.json({ message: 'hello' }))
