/** Outcrop on Bun: `npm run start:bun`. */
import { app } from './app.ts'
import { listenOnBun } from './host/bunhttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnBun,
  home: new URL('..', import.meta.url),
})
