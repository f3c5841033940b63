/** Outcrop on Node. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { app } from './app.ts'
import { errorResponse, GatewayError } from './errors.ts'
import { nodeEgress } from './host/egress.ts'
import { undiciFetch } from './host/fetch.ts'
import { harden, MAX_HEADER_BYTES } from './host/harden.ts'
import { openHost } from './host/open.ts'
import { run } from './host/run.ts'
import { newId } from './protocol/ids.ts'

await run(async () => {
  const host = await openHost({
    env: process.env,
    fetch: undiciFetch(),
    egress: (loopback) => nodeEgress({ loopback }),
    migrations: fileURLToPath(new URL('../drizzle', import.meta.url)),
    portal: fileURLToPath(new URL('../dist/portal', import.meta.url)),
    write: (line) => process.stdout.write(line),
    isTerminal: process.stdout.isTTY,
  })
  const { host: hostname, port } = host.runtime.config
  const listener = getRequestListener((request) => app.fetch(request, host.runtime), {
    errorHandler: () =>
      errorResponse(
        new GatewayError(
          'invalid_request_error',
          'The host header or the path of this request is not valid.',
        ),
        newId('req', Date.now()),
      ),
  })
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false }, listener)
  harden(server)
  server.listen(port, hostname)
  return { host, server }
})
