/**
 * What AWS's refusals are called in the Messages API.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors
 */

import type { GatewayError } from '../../errors.ts'
import { refusedInApiShape } from '../../protocol/apierrors.ts'
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

const CREDENTIAL_NAMES = [
  'expiredtokenexception',
  'expiredtoken',
  'unrecognizedclientexception',
  'invalidsignatureexception',
  'incompletesignature',
  'incompletesignatureexception',
  'missingauthenticationtoken',
  'missingauthenticationtokenexception',
  'invalidclienttokenid',
  'requesttimetooskewed',
]

const RULES: readonly Rule[] = [
  { statuses: [413], type: 'request_too_large' },
  {
    names: ['validationexception'],
    message: /^(prompt is too long|input is too long)/i,
    type: 'invalid_request_error',
    sentence: tooLong,
  },
  {
    names: ['validationexception', 'resourcenotfoundexception', 'ftuformnotfilled'],
    message:
      /model identifier is invalid|on-demand throughput|end of its life|could not resolve the foundation model|use case|data retention mode/i,
    type: 'not_found_error',
    fault: 'access',
    sentence: modelUnusable,
  },
  { names: ['validationexception', 'conflictexception'], type: 'invalid_request_error' },
  {
    names: ['resourcenotfoundexception', 'ftuformnotfilled'],
    type: 'not_found_error',
    fault: 'access',
    sentence: modelUnknown,
  },
  {
    names: ['unknownoperationexception'],
    type: 'api_error',
    fault: 'access',
    sentence: ({ upstream }) =>
      `${upstream} does not speak this API in the gateway's region. Tell whoever runs this gateway to set BEDROCK_WIRE=invoke.`,
    options: { retry: false },
  },
  {
    names: CREDENTIAL_NAMES,
    type: 'api_error',
    fault: 'credentials',
    sentence: credentialsRefused,
    options: { retry: false },
  },
  { names: ['accessdeniedexception', 'accessdenied'], type: 'permission_error', sentence: modelForbidden },
  {
    names: ['throttlingexception'],
    message: /per day/i,
    type: 'rate_limit_error',
    fault: 'spent_today',
    sentence: () => "The AWS account's daily token quota for this model is used up.",
    options: { retry: false },
  },
  { names: ['throttlingexception', 'servicequotaexceededexception'], type: 'rate_limit_error' },
  { names: ['modelnotreadyexception', 'serviceunavailableexception'], type: 'overloaded_error' },
  { names: ['modeltimeoutexception'], type: 'timeout_error' },
  // Whatever Bedrock calls it, the model itself was overloaded.
  { originalStatuses: [429, 503, 529], type: 'overloaded_error' },
]

/** The error a developer gets for a refusal of AWS's. */
export function refusalError(refusal: Refusal, about: About): GatewayError {
  return errorFor(RULES, refusal, about)
}

/** Whether AWS refused the credentials themselves, so that fresh ones may help. */
export function isCredentialRefusal({ name }: Refusal): boolean {
  return CREDENTIAL_NAMES.includes(name.toLowerCase())
}

/** Reads a refusal out of an HTTP answer, in AWS's shape or in Anthropic's. */
export function refusedBy(response: Answer, about: About): Promise<Refused> {
  return refusedInApiShape(response, about, (text) => {
    const refusal = awsRefusal(text, response)
    return { error: refusalError(refusal, about), credentials: isCredentialRefusal(refusal) }
  })
}

export function awsRefusal(text: string, { status, headers }: Pick<Answer, 'status' | 'headers'>): Refusal {
  const body = readBody(text)
  return {
    ...body,
    status,
    retryAfter: retryAfterIn(headers),
    name: headers.get('x-amzn-errortype')?.split(':')[0] || body.name,
  }
}

/** A refusal inside a stream: a frame that is an exception, or an error. */
export function frameRefusal(headers: ReadonlyMap<string, string>, payload: Uint8Array): Refusal {
  const body = readBody(new TextDecoder().decode(payload))
  return {
    ...body,
    status: 0,
    name: headers.get(':exception-type') ?? headers.get(':error-code') ?? '',
    message: body.message || (headers.get(':error-message') ?? ''),
  }
}

function readBody(text: string): Pick<Refusal, 'name' | 'message' | 'originalStatus'> {
  const body = refusalBody(text)
  const { originalStatusCode: status, Output: output } = body
  // What answers for an operation that is not known wraps its refusal once more.
  const inner = typeof output === 'object' && output !== null ? (output as Record<string, unknown>) : body
  const type = textIn(inner, '__type')?.split('#').at(-1)
  return {
    name: type ?? textIn(body, 'code') ?? '',
    message: textIn(inner, 'message', 'Message') ?? '',
    originalStatus: typeof status === 'number' ? status : undefined,
  }
}
