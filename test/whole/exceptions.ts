/** What each of Bedrock's exceptions is to become for the caller: the mapping, written down a second time. */
import type { ExceptionName, StreamExceptionName } from '../fakes/refusal.ts'

interface Expected {
  status: number
  type: string
  message: RegExp
  retryAfter?: string
  shouldRetry?: string
}

/** The words of the tests' exceptions, which are to reach the caller unchanged. */
export const AS_SENT = /^in other words$/
const OWN_TROUBLE = {
  status: 500,
  type: 'api_error',
  message: /Your key is fine; tell whoever runs this gateway/,
  shouldRetry: 'false',
}
export const OVER_HTTP: Record<ExceptionName, Expected> = {
  ValidationException: { status: 400, type: 'invalid_request_error', message: AS_SENT },
  ConflictException: { status: 400, type: 'invalid_request_error', message: AS_SENT },
  RequestEntityTooLargeException: { status: 413, type: 'request_too_large', message: AS_SENT },
  ServiceQuotaExceededException: {
    status: 429,
    type: 'rate_limit_error',
    message: AS_SENT,
    retryAfter: '10',
  },
  ThrottlingException: { status: 429, type: 'rate_limit_error', message: AS_SENT, retryAfter: '10' },
  AccessDeniedException: {
    status: 403,
    type: 'permission_error',
    message: /no access to the model 'claude-opus-5-5'/,
    shouldRetry: 'false',
  },
  ResourceNotFoundException: { status: 404, type: 'not_found_error', message: /'claude-opus-5-5'/ },
  FTUFormNotFilled: { status: 404, type: 'not_found_error', message: /'claude-opus-5-5'/ },
  UnknownOperationException: { status: 500, type: 'api_error', message: /./, shouldRetry: 'false' },
  ModelNotReadyException: { status: 529, type: 'overloaded_error', message: AS_SENT },
  ServiceUnavailableException: { status: 529, type: 'overloaded_error', message: AS_SENT },
  ModelTimeoutException: { status: 504, type: 'timeout_error', message: AS_SENT },
  ModelErrorException: { status: 500, type: 'api_error', message: AS_SENT },
  ModelStreamErrorException: { status: 500, type: 'api_error', message: AS_SENT },
  InternalServerException: { status: 500, type: 'api_error', message: AS_SENT },
  IncompleteSignatureException: OWN_TROUBLE,
  InvalidSignatureException: OWN_TROUBLE,
  MissingAuthenticationTokenException: OWN_TROUBLE,
  UnrecognizedClientException: OWN_TROUBLE,
  ExpiredTokenException: OWN_TROUBLE,
}

export const IN_STREAM: Record<StreamExceptionName, [status: number, type: string]> = {
  internalServerException: [500, 'api_error'],
  modelStreamErrorException: [500, 'api_error'],
  modelTimeoutException: [504, 'timeout_error'],
  serviceUnavailableException: [529, 'overloaded_error'],
  throttlingException: [429, 'rate_limit_error'],
  validationException: [400, 'invalid_request_error'],
}
