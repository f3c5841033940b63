/** Outcrop on Node. */
import type { Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { app } from './app.ts'
import { nodeEgress } from './host/egress.ts'
import { undiciFetch } from './host/fetch.ts'
import { harden, MAX_HEADER_BYTES } from './host/harden.ts'
import { openHost } from './host/open.ts'
import { run } from './host/run.ts'

await run(async () => {
  const host = await openHost({
    env: process.env,
    fetch: undiciFetch(),
    egress: (loopback) => nodeEgress({ loopback }),
    migrations: fileURLToPath(new URL('../drizzle', import.meta.url)),
    write: (line) => process.stdout.write(line),
    isTerminal: process.stdout.isTTY,
  })
  const { host: hostname, port } = host.runtime.config
  const server = serve({
    fetch: (request) => app.fetch(request, host.runtime),
    hostname,
    port,
    serverOptions: { maxHeaderSize: MAX_HEADER_BYTES },
  }) as Server
  harden(server)
  return { host, server }
})
