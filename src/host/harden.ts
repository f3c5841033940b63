/** Node's HTTP server answers what it cannot parse by itself, with no body: here it gets our envelope. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
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
  const answers = new WeakMap<Socket, ServerResponse>()
  server.prependListener('request', (request, response) => void answers.set(request.socket, response))
  server.on('checkExpectation', (_, response: ServerResponse) => {
    answer(
      response,
      new GatewayError('invalid_request_error', 'No expectation but 100-continue is known.', { status: 417 }),
    )
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Words of ours in the middle of an answer would be read as part of it.
    const latest = answers.get(socket)
    const isAnswering = latest?.headersSent && !latest.writableFinished
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) socket.destroy()
    else socket.end(rawAnswer(error.code === 'HPE_HEADER_OVERFLOW' ? headersTooLarge() : notHttp()))
  })
}

function answer(response: ServerResponse, error: GatewayError) {
  const id = newId('req', Date.now())
  response.writeHead(error.status, {
    'content-type': 'application/json',
    'request-id': id,
    connection: 'close',
  })
  response.end(JSON.stringify(envelope(error, id)))
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
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `request-id: ${id}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
