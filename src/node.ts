/** Outcrop on Node. */
import { app } from './app.ts'
import { undiciFetch } from './host/fetch.ts'
import { listenOnNode } from './host/nodehttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  fetch: undiciFetch(),
  listen: listenOnNode,
  migrations: new URL('../drizzle', import.meta.url),
  portal: new URL('../dist/portal', import.meta.url),
})
