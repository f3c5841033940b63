/** Outcrop on Node. */
import { app } from './app.ts'
import { listenOnNode } from './host/nodehttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnNode,
  migrations: new URL('../drizzle', import.meta.url),
  portal: new URL('../dist/portal', import.meta.url),
})
