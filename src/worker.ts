/** Outcrop on Cloudflare Workers. https://developers.cloudflare.com/workers/runtime-apis/handlers/ */
import { app } from './app.ts'
import type { Batch, Bindings, Context, Tick } from './edge/bindings.ts'
import { openEdge } from './edge/open.ts'

const edge = openEdge((request, runtime) => app.fetch(request, runtime))

export default {
  fetch: (request: Request, bindings: Bindings, context: Context) => edge.fetch(request, bindings, context),

  /** By the cron trigger in wrangler.toml. */
  scheduled: (event: Tick, bindings: Bindings, context: Context) => edge.byTheClock(event, bindings, context),

  /** What waits for the database, where a queue is bound. */
  queue: (batch: Batch, bindings: Bindings, context: Context) => edge.drain(batch, bindings, context),
}
