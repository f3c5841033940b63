/** Outcrop on Bun. */
import { app } from './app.ts'
import { listenOnBun } from './host/bunhttp.ts'
import { undiciFetch } from './host/fetch.ts'
import { run } from './host/run.ts'

await run({
  app,
  fetch: undiciFetch(),
  listen: listenOnBun,
  migrations: new URL('../drizzle', import.meta.url),
  portal: new URL('../dist/portal', import.meta.url),
})
