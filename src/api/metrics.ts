/** GET /metrics: counters for Prometheus, for whoever holds the admin token. */
import { Hono } from 'hono'
import { administer } from '../gateway/administer.ts'
import type { Env } from './env.ts'

export const metrics = new Hono<Env>().get('/', async (c) => {
  await administer(c.env, c.req.raw.headers)
  return c.body(await c.env.metrics.text(), 200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
  })
})
