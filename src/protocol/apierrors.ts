/**
 * Refusals in the Messages API's own shape, `{"type":"error","error":{"type","message"}}`, from whoever speaks it:
 * Anthropic, and the clouds where it is Claude's own server that refuses. https://docs.claude.com/en/api/errors#error-shapes
 */

import type { GatewayError } from '../errors.ts'
import type { Refused } from './exchange.ts'
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
  refusalText,
  retryAfterIn,
  textIn,
  tooLong,
} from './refusals.ts'
import type { Answer } from './send.ts'

/** On AWS, a signature that is refused may come as a missing permission. */
const CREDENTIALS = /security token|signature|(?:token|credential)s? (?:is |are |has |have )?expired/i

export const API_RULES: readonly Rule[] = [
  {
    names: ['invalid_request_error', 'request_too_large'],
    message: /^(prompt is too long|input is too long)/i,
    type: 'invalid_request_error',
    sentence: tooLong,
  },
  {
    names: ['invalid_request_error', 'billing_error'],
    message: /credit balance|billing|subscription/i,
    type: 'api_error',
    sentence: noCredit,
    fault: 'billing',
    options: { retry: false },
  },
  {
    names: ['billing_error'],
    type: 'api_error',
    fault: 'billing',
    sentence: noCredit,
    options: { retry: false },
  },
  {
    names: ['invalid_request_error'],
    message:
      /model identifier is invalid|on-demand throughput|end of its life|data retention mode|(?:invalid|unknown) model\b|^model:/i,
    type: 'not_found_error',
    fault: 'access',
    sentence: modelUnusable,
  },
  { names: ['invalid_request_error'], type: 'invalid_request_error' },
  { names: ['not_found_error'], type: 'not_found_error', fault: 'access', sentence: modelUnknown },
  {
    names: ['authentication_error'],
    type: 'api_error',
    fault: 'credentials',
    sentence: credentialsRefused,
    options: { retry: false },
  },
  {
    names: ['permission_error'],
    message: CREDENTIALS,
    type: 'api_error',
    fault: 'credentials',
    sentence: credentialsRefused,
    options: { retry: false },
  },
  { names: ['permission_error'], type: 'permission_error', sentence: modelForbidden },
  { names: ['request_too_large'], type: 'request_too_large' },
  { names: ['rate_limit_error'], type: 'rate_limit_error' },
  { names: ['overloaded_error'], type: 'overloaded_error' },
  { names: ['timeout_error'], type: 'timeout_error' },
]

function noCredit({ upstream }: About): string {
  return `The gateway's own account with ${upstream} has run out of credit. Tell whoever runs this gateway.`
}

/** The refusal in an answer of this shape; undefined for any other shape. */
export function apiRefusal(
  text: string,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
): Refusal | undefined {
  const refusal = refusalIn(text)
  return refusal && { ...refusal, status, retryAfter: retryAfterIn(headers) }
}

/** Reads a refusal out of an HTTP answer: in this shape, or by `otherwise` from its text where it has another. */
export async function refusedInApiShape(
  response: Answer,
  about: About,
  otherwise: (text: string) => Refused,
): Promise<Refused> {
  const text = await refusalText(response)
  const refusal = apiRefusal(text, response)
  if (!refusal) return otherwise(text)
  return { error: errorFor(API_RULES, refusal, about), credentials: isCredentialRefusal(refusal) }
}

/** Whether fresh credentials may help. */
function isCredentialRefusal({ name, message }: Refusal): boolean {
  return name === 'authentication_error' || (name === 'permission_error' && CREDENTIALS.test(message))
}

/** The error that an `error` event stands for. */
export function apiStreamError(data: Uint8Array, about: About): GatewayError {
  const refusal = refusalIn(new TextDecoder().decode(data)) ?? { name: '', message: '' }
  return errorFor(API_RULES, { ...refusal, status: 0 }, about)
}

function refusalIn(text: string): Pick<Refusal, 'name' | 'message'> | undefined {
  const { error } = refusalBody(text)
  if (typeof error !== 'object' || error === null) return undefined
  const name = textIn(error as Record<string, unknown>, 'type')
  return name === undefined
    ? undefined
    : { name, message: textIn(error as Record<string, unknown>, 'message') ?? '' }
}
