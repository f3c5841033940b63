/** One signed request to Bedrock Runtime and its answer. */

import { type AwsCredentials, sign } from '../../aws.ts'
import { GatewayError } from '../../errors.ts'
import type { Bytes } from '../../protocol/bytes.ts'
import type { Call } from '../../protocol/messages.ts'
import type { Lent, Route } from '../provider.ts'
import { isCredentialRefusal, readRefusal, refusalError } from './errors.ts'

interface Operation {
  operation: 'invoke-with-response-stream' | 'count-tokens'
  modelId: string
  body: Bytes
}

interface Answer {
  response: Response
  /** Closes the connection. */
  abort: () => void
}

/**
 * Sends; once more, with fresh credentials, where AWS refuses those it got. Ends when the client goes.
 * @throws GatewayError for every answer but 200, and when there is none in time.
 */
export async function exchange(operation: Operation, call: Call, route: Route, lent: Lent): Promise<Answer> {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (call.signal.aborted) abort()
  call.signal.addEventListener('abort', abort, { once: true })
  const deadline = setTimeout(() => controller.abort(TOO_SLOW), lent.limits.firstByteAfter)
  try {
    for (let retried = false; ; retried = true) {
      const credentials = await route.upstream.credentials.get()
      const response = await attempt(operation, route, lent, credentials, controller.signal)
      if (response.ok) return { response, abort }
      const refusal = await readRefusal(response)
      if (retried || !isCredentialRefusal(refusal)) throw refusalError(refusal, call.model)
      route.upstream.credentials.reject(credentials)
    }
  } finally {
    clearTimeout(deadline)
  }
}

const TOO_SLOW = 'too slow'

async function attempt(
  { operation, modelId, body }: Operation,
  { upstream }: Route,
  lent: Lent,
  credentials: AwsCredentials,
  signal: AbortSignal,
): Promise<Response> {
  // Encoded once: signing encodes the path again, as AWS does for every service but S3.
  const url = `${upstream.endpoint}/model/${encodeURIComponent(modelId)}/${operation}`
  const accept =
    operation === 'invoke-with-response-stream' ? 'application/vnd.amazon.eventstream' : 'application/json'
  const request = {
    method: 'POST',
    url,
    headers: { accept, 'content-type': 'application/json' },
    body,
  } as const
  const where = { service: 'bedrock', region: upstream.region, now: lent.now() }
  const headers = await sign({ ...request, ...where }, credentials)
  try {
    return await lent.fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
  } catch (cause) {
    throw signal.reason === TOO_SLOW ? tooSlow(cause) : unreachable(cause)
  }
}

function tooSlow(cause: unknown): GatewayError {
  return new GatewayError('timeout_error', 'Amazon Bedrock did not begin to answer in time.', { cause })
}

function unreachable(cause: unknown): GatewayError {
  return new GatewayError('api_error', 'The gateway could not reach Amazon Bedrock.', { cause })
}

/** An answer in one piece. */
export async function wholeBody(response: Response): Promise<Bytes> {
  try {
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    throw new GatewayError(
      'api_error',
      'The connection to Amazon Bedrock broke before the answer was complete.',
      {
        cause,
      },
    )
  }
}
