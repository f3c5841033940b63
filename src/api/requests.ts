/** GET /v1/requests/{id}: a developer asks with their own key what became of a request, and why. */
import { Hono } from 'hono'
import { authenticate } from '../gateway/authenticate.ts'
import { asOthersSee, ownRequest, storyFor } from '../gateway/why.ts'
import { toldViewOf } from './admin/requestviews.ts'
import type { Env } from './env.ts'

/** Nothing is sent and nothing is spent: a budget or a limit that is used up does not keep anybody from asking why. */
export const requests = new Hono<Env>().get('/:id', async (c) => {
  const principal = await authenticate(c.env, c.req.raw.headers)
  const row = await ownRequest(c.env, principal, c.req.param('id'))
  const story = await storyFor(c.env, row, false)
  const wantsText = c.req.header('accept')?.startsWith('text/plain')
  return wantsText ? c.text(`${story.join('\n')}\n`) : c.json(toldViewOf(asOthersSee(row), story))
})
