/** Outcrop on Bun: `npm run start:bun`. */
import { app } from './app.ts'
import { listenOnBun } from './host/bunhttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnBun,
  migrations: new URL('../drizzle', import.meta.url),
  portal: new URL('../dist/portal', import.meta.url),
})
