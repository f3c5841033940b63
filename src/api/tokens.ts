/** POST /v1/messages/count_tokens. https://docs.claude.com/en/api/messages-count-tokens */
import { Hono } from 'hono'
import { authenticate } from '../gateway/authenticate.ts'
import { attached, countable } from '../gateway/complement.ts'
import { count } from '../gateway/count.ts'
import { read } from '../gateway/read.ts'
import { route } from '../gateway/route.ts'
import type { Env } from './env.ts'

export const tokens = new Hono<Env>().post('/', async (c) => {
  const runtime = c.env
  const principal = await authenticate(runtime, c.req.raw.headers)
  const call = await read(
    c.req.raw,
    { id: c.var.requestId, startedAt: c.var.startedAt },
    { limits: runtime.config.limits, view: runtime.view, whole: runtime.whole },
  )
  const { routes } = await route(runtime, principal, call, 'count')
  const whole = await attached(runtime, routes, call)
  const counted = await count(runtime, routes, await countable(runtime, routes, whole))
  return c.json({ input_tokens: counted.tokens }, 200, { 'x-outcrop-estimated': String(counted.estimated) })
})
