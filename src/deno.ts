/** Outcrop on Deno: `npm run start:deno`. */
import { app } from './app.ts'
import { listenOnDeno } from './host/denohttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnDeno,
  migrations: new URL('../drizzle', import.meta.url),
  portal: new URL('../dist/portal', import.meta.url),
})
