/** The portal's files, wherever this runtime keeps them: the page at `/`, and what it is made of under `/assets/`. */
import { type Context, Hono } from 'hono'
import type { Env } from './env.ts'

/** As in portal/public/_headers, by which Workers serve what does not pass here. */
export const SECURITY = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

export const assets = new Hono<Env>().get('/', serve).get('/assets/*', serve)

async function serve(c: Context<Env>): Promise<Response> {
  const found = await c.env.assets?.(c.req.raw)
  if (!found) return c.notFound()
  for (const [name, value] of Object.entries(SECURITY)) c.header(name, value)
  return c.newResponse(found.body, found)
}
