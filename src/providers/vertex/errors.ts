/**
 * What Google's refusals are called in the Messages API. Google refuses with its own codes what concerns accounts and
 * quotas; what concerns the request is refused by Claude's own server, in Anthropic's shape.
 * https://cloud.google.com/apis/design/errors#error_model
 */

import type { GatewayError } from '../../errors.ts'
import { apiStreamError, refusedInApiShape } from '../../protocol/apierrors.ts'
import type { Refused } from '../../protocol/exchange.ts'
import {
  type About,
  credentialsRefused,
  errorFor,
  modelForbidden,
  modelUnknown,
  modelUnusable,
  type Refusal,
  type Rule,
  refusalBody,
  retryAfterIn,
  textIn,
  tooLong,
} from '../../protocol/refusals.ts'
import type { Answer } from '../../protocol/send.ts'

const RULES: readonly Rule[] = [
  {
    names: ['unauthenticated'],
    type: 'api_error',
    fault: 'credentials',
    sentence: credentialsRefused,
    options: { retry: false },
  },
  { names: ['permission_denied'], type: 'permission_error', sentence: modelForbidden },
  { names: ['not_found'], type: 'not_found_error', fault: 'access', sentence: modelUnknown },
  {
    names: ['resource_exhausted'],
    type: 'rate_limit_error',
    sentence: ({ account, model }) =>
      `The quota of this gateway's ${account} for the model '${model}' is used up.`,
  },
  { names: ['unavailable'], type: 'overloaded_error' },
  { names: ['deadline_exceeded'], type: 'timeout_error' },
  { names: ['failed_precondition'], type: 'not_found_error', fault: 'access', sentence: modelUnusable },
  {
    names: ['invalid_argument'],
    message: /^(prompt is too long|input is too long)/i,
    type: 'invalid_request_error',
    sentence: tooLong,
  },
  { names: ['invalid_argument', 'out_of_range'], type: 'invalid_request_error' },
  { names: ['internal', 'unknown', 'data_loss', 'aborted', 'cancelled'], type: 'api_error' },
  // Without a name, as front ends do it.
  {
    statuses: [401],
    type: 'api_error',
    fault: 'credentials',
    sentence: credentialsRefused,
    options: { retry: false },
  },
  { statuses: [403], type: 'permission_error', sentence: modelForbidden },
  { statuses: [404], type: 'not_found_error', fault: 'access', sentence: modelUnknown },
]

export function refusedBy(response: Answer, about: About): Promise<Refused> {
  const { status, headers } = response
  return refusedInApiShape(response, about, (text) => {
    const refusal = { ...googleRefusal(text), status, retryAfter: retryAfterIn(headers) }
    return { error: errorFor(RULES, refusal, about), credentials: status === 401 }
  })
}

/** The error that an `error` event stands for, in either shape. */
export function streamError(data: Uint8Array, about: About): GatewayError {
  const google = googleRefusal(new TextDecoder().decode(data))
  return google.name === '' ? apiStreamError(data, about) : errorFor(RULES, { ...google, status: 0 }, about)
}

function googleRefusal(text: string): Pick<Refusal, 'name' | 'message'> {
  const { error } = refusalBody(text)
  const body = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  return { name: textIn(body, 'status') ?? '', message: textIn(body, 'message') ?? '' }
}
