/**
 * `fetch` over undici's request, on every host alike. On Node the global one costs several times as much. Bun's and
 * Deno's cost as much as this, but Bun's sends 256 requests at a time and lets the others wait, Deno's says in words
 * only why it cannot connect, neither gives up connecting, and both go where HTTP_PROXY says. Deadlines are the caller's.
 * https://undici.nodejs.org/#/docs/api/Dispatcher?id=dispatcherrequestoptions-callback
 */
import { Agent, request } from 'undici/index.js' // by the bare name Bun has a stand-in of its own
import { asWebStream } from './webstream.ts'

const CONNECT_TIMEOUT = 10_000
const KEEP_ALIVE = 60_000

interface Sent {
  method?: string
  headers?: Headers
  body?: Uint8Array | string
  signal?: AbortSignal
}

/** As much of `fetch` as the gateway uses: a URL in text, a body in one piece, no redirects followed. */
export function undiciFetch(): typeof fetch {
  const dispatcher = new Agent({
    connect: { timeout: CONNECT_TIMEOUT },
    keepAliveTimeout: KEEP_ALIVE,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const send = async (
    url: string,
    { method = 'GET', headers, body, signal }: Sent = {},
  ): Promise<Response> => {
    const answer = await request(url, {
      dispatcher,
      method: method as 'GET',
      headers: headers ? Object.fromEntries(headers) : {},
      body: body ?? null,
      signal: signal ?? null,
    })
    return new Response(asWebStream(answer.body), {
      status: answer.statusCode,
      headers: flat(answer.headers),
    })
  }
  return send as typeof fetch
}

function flat(headers: Record<string, string | string[] | undefined>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as [string, string]],
  )
}
