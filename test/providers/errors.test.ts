import { describe, expect, test } from 'vitest'
import type { Refusal } from '../../src/protocol/refusals.ts'
import { awsRefusal, isCredentialRefusal, refusalError } from '../../src/providers/bedrock/errors.ts'

const ARN = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5'

const about = (model: string) => ({ model, upstream: 'Amazon Bedrock', account: 'AWS account and region' })

type Row = [
  name: string,
  status: number,
  said: string,
  type: string,
  code: number,
  shown: string,
  more?: { retry?: boolean; retryAfter?: number },
]

/** Over HTTP; the names inside a stream differ in their first letter alone. */
const TABLE: Row[] = [
  [
    'ValidationException',
    400,
    'messages.0.role: Input should be …',
    'invalid_request_error',
    400,
    'messages.0.role: Input should be …',
  ],
  [
    'ValidationException',
    400,
    'Input is too long for requested model.',
    'invalid_request_error',
    400,
    'prompt is too long: Input is too long for requested model.',
  ],
  [
    'ValidationException',
    400,
    'prompt is too long: 9 tokens > 5 maximum',
    'invalid_request_error',
    400,
    'prompt is too long: 9 tokens > 5 maximum',
  ],
  ['ValidationException', 400, 'invalid beta flag', 'invalid_request_error', 400, 'invalid beta flag'],
  [
    'ValidationException',
    400,
    'The provided model identifier is invalid.',
    'not_found_error',
    404,
    "The model 'claude-x' cannot be used",
  ],
  [
    'ValidationException',
    400,
    `Invocation of model ID ${ARN} with on-demand throughput isn’t supported.`,
    'not_found_error',
    404,
    "The model 'claude-x' cannot be used",
  ],
  [
    'ResourceNotFoundException',
    404,
    'This model version has reached the end of its life.',
    'not_found_error',
    404,
    "The model 'claude-x' cannot be used",
  ],
  [
    'ResourceNotFoundException',
    404,
    'nothing there',
    'not_found_error',
    404,
    "The model 'claude-x' was not found",
  ],
  [
    'AccessDeniedException',
    403,
    `User: ${ARN} is not authorized`,
    'permission_error',
    403,
    "no access to the model 'claude-x'",
  ],
  [
    'ExpiredTokenException',
    403,
    'The security token included in the request is expired',
    'api_error',
    500,
    "the gateway's own credentials",
    { retry: false },
  ],
  [
    'UnrecognizedClientException',
    403,
    'The security token included in the request is invalid.',
    'api_error',
    500,
    'Your key is fine',
    { retry: false },
  ],
  [
    'InvalidSignatureException',
    403,
    'Signature expired',
    'api_error',
    500,
    'Your key is fine',
    { retry: false },
  ],
  [
    'ThrottlingException',
    429,
    'Too many tokens, please wait before trying again.',
    'rate_limit_error',
    429,
    'Too many tokens, please wait before trying again.',
    { retryAfter: 10 },
  ],
  [
    'ThrottlingException',
    429,
    'Too many tokens per day, please wait before trying again.',
    'rate_limit_error',
    429,
    'daily token quota',
    { retry: false },
  ],
  [
    'ServiceQuotaExceededException',
    400,
    'Quota exceeded',
    'rate_limit_error',
    429,
    'Quota exceeded',
    { retryAfter: 10 },
  ],
  [
    'ValidationException',
    400,
    "data retention mode 'default' is not available for this model",
    'not_found_error',
    404,
    "The model 'claude-x' cannot be used",
  ],
  ['UnknownOperationException', 200, '', 'api_error', 500, 'BEDROCK_WIRE=invoke', { retry: false }],
  ['ModelNotReadyException', 429, 'Not ready', 'overloaded_error', 529, 'Not ready'],
  [
    'ServiceUnavailableException',
    503,
    'Bedrock is unable to process your request.',
    'overloaded_error',
    529,
    'Bedrock is unable to process your request.',
  ],
  ['ModelTimeoutException', 408, 'Timed out', 'timeout_error', 504, 'Timed out'],
  ['ModelErrorException', 424, 'The model erred', 'api_error', 500, 'The model erred'],
  ['ModelStreamErrorException', 424, 'The model erred', 'api_error', 500, 'The model erred'],
  ['InternalServerException', 500, 'Internal', 'api_error', 500, 'Internal'],
  ['', 502, '', 'api_error', 500, 'Bedrock failed to answer.'],
  ['SomethingNew', 429, 'slow down', 'rate_limit_error', 429, 'slow down', { retryAfter: 10 }],
  ['SomethingNew', 503, 'busy', 'overloaded_error', 529, 'busy'],
  ['SomethingNew', 400, 'no', 'invalid_request_error', 400, 'no'],
  ['RequestEntityTooLarge', 413, 'too large', 'request_too_large', 413, 'too large'],
]

describe('every refusal of Bedrock has its counterpart', () => {
  test.each(TABLE)('%s %i %.50j is %s %i', (name, status, message, type, code, shown, more = {}) => {
    const error = refusalError({ name, status, message }, about('claude-x'))
    expect(error).toMatchObject({ type, status: code, ...more })
    expect(error.message).not.toMatch(/arn:|\d{12}/)
    expect(error.message).toContain(shown)
  })

  test.each(TABLE.filter(([name]) => name.endsWith('Exception')))(
    '%s inside a stream is the same',
    (name, _, message, type, __, shown) => {
      const small = name.charAt(0).toLowerCase() + name.slice(1)
      const error = refusalError({ name: small, status: 0, message }, about('claude-x'))
      expect(error.type).toBe(type)
      expect(error.message).toContain(shown)
    },
  )

  test('a model that was itself overloaded is overloaded, whatever Bedrock calls it', () => {
    const refusal: Refusal = {
      name: 'ModelStreamErrorException',
      status: 424,
      message: 'x',
      originalStatus: 529,
    }
    expect(refusalError(refusal, about('m')).type).toBe('overloaded_error')
  })

  test('no account number and no ARN is shown; of access the operator reads all that AWS said', () => {
    const message = `No ${ARN}, or account 123456789012.`
    const invalid = refusalError({ name: 'ValidationException', status: 400, message }, about('m'))
    expect(invalid.message).toBe('No (resource), or account (account).')
    expect(invalid.operator).toBe('ValidationException (400)')
    const denied = refusalError({ name: 'AccessDeniedException', status: 403, message }, about('m'))
    expect(denied.operator).toBe(`AccessDeniedException (403): ${message}`)
  })

  test('what was found wrong with the request is an objection; nothing else is', () => {
    const message = 'tools.0.custom.strict: Extra inputs are not permitted'
    const objection = { kind: 'field', path: 'tools.0.custom.strict' }
    for (const [name, status] of [
      ['ValidationException', 400],
      ['validationException', 0],
    ] as const) {
      expect(refusalError({ name, status, message }, about('m')).objection).toEqual(objection)
    }
    for (const name of ['ThrottlingException', 'InternalServerException', 'AccessDeniedException']) {
      expect(refusalError({ name, status: 500, message }, about('m')).objection).toBeUndefined()
    }
  })

  test('credentials are at fault only when AWS says so', () => {
    const named = (name: string) => isCredentialRefusal({ name, status: 403, message: '' })
    expect(named('ExpiredTokenException')).toBe(true)
    expect(named('AccessDeniedException')).toBe(false)
  })
})

describe('a refusal is read', () => {
  test.each([
    [
      { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/x/' },
      '{"message":"m"}',
      'ThrottlingException',
      'm',
    ],
    [{}, '{"__type":"com.amazon.coral#ThrottlingException","Message":"m"}', 'ThrottlingException', 'm'],
    [{}, '{"code":"ThrottlingException"}', 'ThrottlingException', ''],
    [
      {},
      '{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
      'UnknownOperationException',
      '',
    ],
    [{}, '<html>502 Bad Gateway</html>', '', ''],
    [{}, '', '', ''],
    [{}, 'null', '', ''],
    [{}, '"text"', '', ''],
  ])('from headers %j and body %j', async (headers, body, name, message) => {
    const response = new Response(body, { status: 429, headers: headers as Record<string, string> })
    expect(awsRefusal(await response.text(), response)).toMatchObject({ name, message, status: 429 })
  })
})
