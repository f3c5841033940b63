/** Outcrop on Node. */
import { app } from './app.ts'
import { listenOnNode } from './host/nodehttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnNode,
  home: new URL('..', import.meta.url),
})
