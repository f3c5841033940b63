/** Node's HTTP server answers what it cannot parse by itself, with no body: here it gets our envelope. */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { envelope, GatewayError } from '../errors.ts'
import { newId } from '../protocol/ids.ts'

/** Room for long custom headers; Node's own limit is 16 KiB. */
export const MAX_HEADER_BYTES = 64 * 1024

/** Longer than the idle time of the load balancers in front, which must not meet a closing connection. */
const KEEP_ALIVE = 75_000

export function harden(server: Server<typeof IncomingMessage>) {
  server.keepAliveTimeout = KEEP_ALIVE
  server.headersTimeout = KEEP_ALIVE
  server.requestTimeout = 0 // a slow upload is bounded by its size, and by who may send it
  server.maxHeadersCount = 0 // bounded by MAX_HEADER_BYTES instead: Node drops the rest in silence
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else socket.end(rawAnswer(error.code === 'HPE_HEADER_OVERFLOW' ? headersTooLarge() : notHttp()))
  })
}

function headersTooLarge(): GatewayError {
  return new GatewayError('request_too_large', `The request headers exceed ${MAX_HEADER_BYTES} bytes.`, {
    status: 431,
  })
}

function notHttp(): GatewayError {
  return new GatewayError('invalid_request_error', 'This is not an HTTP request.')
}

function rawAnswer(error: GatewayError): string {
  const id = newId('req', Date.now())
  const body = JSON.stringify(envelope(error, id))
  return [
    `HTTP/1.1 ${error.status} Bad Request`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `request-id: ${id}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
