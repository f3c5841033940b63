/** Node's HTTP server. https://nodejs.org/docs/latest-v20.x/api/http.html#class-httpserver */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { errorResponse, GatewayError } from '../errors.ts'
import { Halt, type Halting } from '../protocol/halt.ts'
import { newId } from '../protocol/ids.ts'
import { harden, MAX_HEADER_BYTES } from './harden.ts'
import type { Listen } from './listening.ts'
import { bodyOf } from './nodebody.ts'
import { spokenTo } from './nodestream.ts'

/** A connection whose answer ends while the process does is let go this soon. Milliseconds. */
const LET_GO_EVERY = 100

export const listenOnNode: Listen = async (answer, { host, port }) => {
  const listener = getRequestListener(
    (request, { incoming, outgoing }) =>
      answer(request, incoming.socket.remoteAddress, {
        whole: (length) => bodyOf(incoming as IncomingMessage, length),
        gone: gone(outgoing as ServerResponse),
        stream: (speech) => spokenTo(outgoing as ServerResponse, speech),
      }),
    { errorHandler: unreadable },
  )
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false }, listener)
  harden(server)
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    drained() {
      const closed = new Promise((resolve) => server.close(resolve))
      // A connection is let go when its answer is over: its client may keep it open, or ask again on it, for ever.
      server.prependListener('request', (_, response) => {
        response.shouldKeepAlive = false
      })
      setInterval(() => server.closeIdleConnections(), LET_GO_EVERY).unref()
      server.closeIdleConnections()
      return closed
    },
  }
}

/** Says so when a connection closes before its answer is over. */
function gone(response: ServerResponse): Halting {
  const halt = new Halt()
  response.once('close', () => {
    if (!response.writableFinished) halt.abort('gone')
  })
  return halt
}

/** What no Request can be made of. */
function unreadable(): Response {
  const sentence = 'The host header or the path of this request is not valid.'
  return errorResponse(new GatewayError('invalid_request_error', sentence), newId('req', Date.now()))
}
