/** Is it alive, is it ready. Neither tells a stranger anything about the installation. */
import { Hono } from 'hono'
import type { Env } from './env.ts'
import { databaseAway } from './report.ts'
import { isStopping } from './stopping.ts'

export const health = new Hono<Env>()
  .get('/health', (c) => c.json({ status: 'ok' }))
  .get('/ready', async (c) => {
    if (c.env.stopping?.hasBegun()) throw isStopping(503)
    if (!(await c.env.isReady())) throw databaseAway()
    return c.json({ status: 'ready' })
  })
  // Claude Code warms its connection up with a HEAD here; any answer will do.
  .get('/api/hello', (c) => c.json({ message: 'hello' }))
