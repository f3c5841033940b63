/** How many input tokens a call is: from an upstream that can count it, else an estimate. */

import { GatewayError } from '../errors.ts'
import { parse } from '../protocol/json.ts'
import type { Call } from '../protocol/messages.ts'
import { generationOf } from '../protocol/models.ts'
import { estimateTokens } from '../protocol/tokens.ts'
import { providerNamed } from '../providers/index.ts'
import type { Route } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import { lent } from './dispatch.ts'

export interface Count {
  tokens: number
  /** No upstream could count: the figure is ours, and not below the truth. */
  estimated: boolean
}

/** @throws GatewayError invalid_request_error where an upstream finds fault with the call. */
export async function count(
  runtime: Runtime,
  [route]: readonly [Route, ...Route[]],
  call: Call,
): Promise<Count> {
  const exact = await providerNamed(route.upstream.provider)
    .countTokens?.(call, route, lent(runtime))
    .catch(unlessAtFault)
  if (exact !== undefined) return { tokens: exact, estimated: false }
  return {
    tokens: estimateTokens(parse(call.body, call.outline), generationOf(route.model)),
    estimated: true,
  }
}

/** An upstream that is down or has no leave to count must not keep the client from an answer. */
function unlessAtFault(error: unknown): undefined {
  if (!(error instanceof GatewayError)) throw error
  if (error.objection) return undefined // what can be left out of an answer need not keep it from being counted
  if (error.type === 'invalid_request_error' && !/counting tokens/.test(error.message)) throw error
  return undefined
}
