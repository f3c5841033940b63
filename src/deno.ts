/** Outcrop on Deno. */
import { app } from './app.ts'
import { listenOnDeno } from './host/denohttp.ts'
import { undiciFetch } from './host/fetch.ts'
import { run } from './host/run.ts'

await run({
  app,
  fetch: undiciFetch(),
  listen: listenOnDeno,
  migrations: new URL('../drizzle', import.meta.url),
  portal: new URL('../dist/portal', import.meta.url),
})
