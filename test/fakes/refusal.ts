/**
 * How Bedrock says no: the exceptions of the Bedrock Runtime API, their HTTP statuses and their usual words.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 */

export interface Refusal {
  status: number
  type: string
  message: string
  extra?: Record<string, unknown>
}

interface Usual {
  status: number
  message: string
  extra?: Record<string, unknown>
}

export const EXCEPTIONS = {
  ValidationException: {
    status: 400,
    message: 'Malformed input request, please reformat your input and try again.',
  },
  ServiceQuotaExceededException: {
    status: 400,
    message: 'Your request exceeds the service quota for your account.',
  },
  ConflictException: {
    status: 400,
    message: 'Error occurred because of a conflict while performing an operation.',
  },
  AccessDeniedException: {
    status: 403,
    message: "You don't have access to the model with the specified model ID.",
  },
  ResourceNotFoundException: {
    status: 404,
    message:
      'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
  },
  FTUFormNotFilled: {
    status: 404,
    message:
      'Model use case details have not been submitted for this account. Fill out the use case details form.',
  },
  ModelTimeoutException: {
    status: 408,
    message: 'The model took too long to process the request. Try again.',
  },
  ModelErrorException: {
    status: 424,
    message: 'The system encountered an unexpected error during processing. Try your request again.',
    extra: { originalStatusCode: 500, resourceName: 'model' },
  },
  ModelStreamErrorException: {
    status: 424,
    message: 'An error occurred while streaming the response. Retry your request.',
    extra: { originalStatusCode: 500, originalMessage: 'stream failed' },
  },
  ThrottlingException: { status: 429, message: 'Too many tokens, please wait before trying again.' },
  ModelNotReadyException: {
    status: 429,
    message: 'Model is not ready for inference. Wait and try your request again.',
  },
  InternalServerException: {
    status: 500,
    message: 'The system encountered an unexpected error during processing. Try your request again.',
  },
  ServiceUnavailableException: { status: 503, message: 'Bedrock is unable to process your request.' },
  IncompleteSignatureException: {
    status: 400,
    message: "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
  },
  InvalidSignatureException: {
    status: 403,
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access ' +
      'Key and signing method. Consult the service documentation for details.',
  },
  MissingAuthenticationTokenException: { status: 403, message: 'Missing Authentication Token' },
  UnrecognizedClientException: {
    status: 403,
    message: 'The security token included in the request is invalid.',
  },
  ExpiredTokenException: { status: 403, message: 'The security token included in the request is expired' },
  RequestEntityTooLargeException: { status: 413, message: 'Request body is larger than 25000000 bytes.' },
  UnknownOperationException: {
    status: 404,
    message: 'The requested operation is not recognized by the service.',
  },
} as const satisfies Record<string, Usual>

export type ExceptionName = keyof typeof EXCEPTIONS

export function refusal(type: ExceptionName, message?: string): Refusal {
  const usual: Usual = EXCEPTIONS[type]
  return {
    status: usual.status,
    type,
    message: message ?? usual.message,
    ...(usual.extra === undefined ? {} : { extra: usual.extra }),
  }
}

export function invalid(message: string): Refusal {
  return refusal('ValidationException', message)
}

/** The exceptions a stream that has begun can still carry, with the HTTP exception each corresponds to. */
export const STREAM_EXCEPTIONS = {
  internalServerException: 'InternalServerException',
  modelStreamErrorException: 'ModelStreamErrorException',
  modelTimeoutException: 'ModelTimeoutException',
  serviceUnavailableException: 'ServiceUnavailableException',
  throttlingException: 'ThrottlingException',
  validationException: 'ValidationException',
} as const satisfies Record<string, ExceptionName>

export type StreamExceptionName = keyof typeof STREAM_EXCEPTIONS
