/** GET /metrics: counters for Prometheus, for whoever may read them. */
import { Hono } from 'hono'
import { administer } from '../gateway/administer.ts'
import { scopeOf } from '../gateway/permissions.ts'
import type { Env } from './env.ts'

export const metrics = new Hono<Env>().get('/', async (c) => {
  scopeOf(await administer(c.env, c.req.raw.headers), 'metrics.read')
  return c.body(await c.env.metrics.text(), 200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
  })
})
