/** Outcrop on Deno: `npm run start:deno`. */
import { app } from './app.ts'
import { listenOnDeno } from './host/denohttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnDeno,
  home: new URL('..', import.meta.url),
})
