/**
 * Bedrock's own door, for clients that run in their Bedrock mode: InvokeModel in, InvokeModel out.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
 */
import { Hono } from 'hono'
import { type ErrorType, envelope, errorResponse } from '../errors.ts'
import { bedrockVoice } from '../gateway/voice.ts'
import type { Env } from './env.ts'
import { answer } from './messages.ts'
import { report } from './report.ts'

export const invoke = new Hono<Env>()
  .post('/:id{.+}/invoke', (c) => answer(c, { model: c.req.param('id'), stream: false }, bedrockVoice))
  .post('/:id{.+}/invoke-with-response-stream', (c) =>
    answer(c, { model: c.req.param('id'), stream: true }, bedrockVoice),
  )

/** What AWS calls an error over HTTP. */
const EXCEPTIONS: Partial<Record<ErrorType, string>> = {
  invalid_request_error: 'ValidationException',
  policy_blocked: 'ValidationException',
  request_too_large: 'ValidationException',
  authentication_error: 'UnrecognizedClientException',
  permission_error: 'AccessDeniedException',
  not_found_error: 'ResourceNotFoundException',
  rate_limit_error: 'ThrottlingException',
  billing_error: 'ThrottlingException',
  timeout_error: 'ModelTimeoutException',
  overloaded_error: 'ServiceUnavailableException',
}

/** Both forms in one: AWS's SDKs read the name and the message, Anthropic's the envelope. */
invoke.onError((error, c) => {
  const known = report(error, c)
  const { requestId } = c.var
  const response = Response.json(
    { message: known.message, ...envelope(known, requestId) },
    errorResponse(known, requestId),
  )
  response.headers.set('x-amzn-errortype', EXCEPTIONS[known.type] ?? 'InternalServerException')
  response.headers.set('x-amzn-requestid', requestId)
  return response
})
