import { describe, expect, test } from 'vitest'
import { API_RULES, apiRefusal, apiStreamError } from '../../src/protocol/apierrors.ts'
import { errorFor } from '../../src/protocol/refusals.ts'
import { refusedBy as refusedByAws } from '../../src/providers/bedrock/errors.ts'
import { refusedBy as refusedByGoogle, streamError } from '../../src/providers/vertex/errors.ts'

const about = { model: 'claude-x', upstream: 'The upstream', account: 'account', hidden: ['secret-project'] }
const encoder = new TextEncoder()

interface Row {
  says: [type: string, status: number, message: string]
  is: [type: string, status: number, shown: string]
  retry?: boolean
  retryAfter?: number
  headers?: Record<string, string>
  /** Where the shape says less inside a stream. */
  onlyHttp?: boolean
}

/** https://docs.claude.com/en/api/errors */
const ANTHROPIC: Row[] = [
  { says: ['invalid_request_error', 400, 'x: bad'], is: ['invalid_request_error', 400, 'x: bad'] },
  {
    says: ['invalid_request_error', 400, 'prompt is too long: 9 tokens > 5 maximum'],
    is: ['invalid_request_error', 400, 'prompt is too long: 9 tokens > 5 maximum'],
  },
  {
    says: ['request_too_large', 413, 'Prompt is too long'],
    is: ['invalid_request_error', 400, 'Prompt is too long'],
  },
  {
    says: ['invalid_request_error', 400, 'Input is too long for requested model.'],
    is: ['invalid_request_error', 400, 'prompt is too long: Input is too long'],
  },
  {
    says: ['invalid_request_error', 400, 'input length and `max_tokens` exceed context limit: 9 + 5 > 10'],
    is: ['invalid_request_error', 400, 'input length and `max_tokens` exceed context limit: 9 + 5 > 10'],
  },
  {
    says: ['invalid_request_error', 400, "Tool type 'x' is not supported for this model"],
    is: ['invalid_request_error', 400, 'is not supported for this model'],
  },
  {
    says: ['invalid_request_error', 400, 'The provided model identifier is invalid.'],
    is: ['not_found_error', 404, "The model 'claude-x' cannot be used"],
  },
  {
    says: ['invalid_request_error', 400, 'Your credit balance is too low to access the API.'],
    is: ['api_error', 500, 'run out of credit'],
    retry: false,
  },
  { says: ['billing_error', 402, 'pay'], is: ['api_error', 500, 'run out of credit'], retry: false },
  {
    says: ['authentication_error', 401, 'invalid x-api-key'],
    is: ['api_error', 500, 'Your key is fine'],
    retry: false,
  },
  {
    says: ['permission_error', 403, 'The security token included in the request is expired'],
    is: ['api_error', 500, 'Your key is fine'],
    retry: false,
  },
  {
    says: ['permission_error', 403, 'Your organization 11111111-2222-4333-8444-555555555555 may not'],
    is: ['permission_error', 403, "no access to the model 'claude-x'"],
    retry: false,
  },
  {
    says: ['not_found_error', 404, 'model: y'],
    is: ['not_found_error', 404, "The model 'claude-x' was not found"],
  },
  { says: ['request_too_large', 413, 'too large'], is: ['request_too_large', 413, 'too large'] },
  {
    says: ['rate_limit_error', 429, 'slow (org: 11111111-2222-4333-8444-555555555555)'],
    is: ['rate_limit_error', 429, 'slow (account)'],
    retryAfter: 10,
  },
  {
    says: ['rate_limit_error', 429, 'slow'],
    is: ['rate_limit_error', 429, 'slow'],
    headers: { 'retry-after': '7.2' },
    retryAfter: 8,
    onlyHttp: true,
  },
  {
    says: ['rate_limit_error', 429, 'slow'],
    is: ['rate_limit_error', 429, 'slow'],
    headers: { 'retry-after': '3600' },
    retry: false,
    onlyHttp: true,
  },
  { says: ['overloaded_error', 529, 'Overloaded'], is: ['overloaded_error', 529, 'Overloaded'] },
  { says: ['timeout_error', 504, 'late'], is: ['timeout_error', 504, 'late'] },
  { says: ['api_error', 500, 'Internal server error'], is: ['api_error', 500, 'Internal server error'] },
  { says: ['of_tomorrow', 500, ''], is: ['api_error', 500, 'The upstream failed to answer.'] },
  { says: ['of_tomorrow', 503, 'busy'], is: ['overloaded_error', 529, 'busy'], onlyHttp: true },
]

/** https://cloud.google.com/apis/design/errors#handling_errors */
const GOOGLE: Row[] = [
  {
    says: ['INVALID_ARGUMENT', 400, 'projects/secret-project/locations/x in secret-project: bad'],
    is: ['invalid_request_error', 400, '(resource) in (account): bad'],
  },
  {
    says: ['INVALID_ARGUMENT', 400, 'Prompt is too long'],
    is: ['invalid_request_error', 400, 'Prompt is too long'],
  },
  {
    says: ['UNAUTHENTICATED', 401, 'Request had invalid authentication credentials.'],
    is: ['api_error', 500, 'Your key is fine'],
    retry: false,
  },
  {
    says: ['PERMISSION_DENIED', 403, "Permission denied on 'projects/secret-project'"],
    is: ['permission_error', 403, "no access to the model 'claude-x'"],
    retry: false,
  },
  {
    says: ['NOT_FOUND', 404, 'Publisher Model projects/secret-project/x was not found'],
    is: ['not_found_error', 404, "The model 'claude-x' was not found"],
  },
  {
    says: ['FAILED_PRECONDITION', 400, 'organizations/123 forbids'],
    is: ['not_found_error', 404, "The model 'claude-x' cannot be used"],
  },
  {
    says: ['RESOURCE_EXHAUSTED', 429, 'Quota exceeded for secret-project'],
    is: ['rate_limit_error', 429, "for the model 'claude-x' is used up"],
    retryAfter: 10,
  },
  { says: ['UNAVAILABLE', 503, 'busy'], is: ['overloaded_error', 529, 'busy'] },
  { says: ['DEADLINE_EXCEEDED', 504, 'late'], is: ['timeout_error', 504, 'late'] },
  { says: ['INTERNAL', 500, 'broken'], is: ['api_error', 500, 'broken'] },
  { says: ['OF_TOMORROW', 429, 'slow'], is: ['rate_limit_error', 429, 'slow'], onlyHttp: true },
  {
    says: ['OF_TOMORROW', 401, 'no'],
    is: ['api_error', 500, 'Your key is fine'],
    retry: false,
    onlyHttp: true,
  },
  { says: ['OF_TOMORROW', 413, 'large'], is: ['request_too_large', 413, 'large'], onlyHttp: true },
]

const anthropicBody = ([type, , message]: Row['says']) =>
  JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_upstream' })
const googleBody = ([status, code, message]: Row['says']) =>
  JSON.stringify({ error: { code, message, status } })

function answerOf(body: string, { says: [, status], headers = {} }: Row): Response {
  return new Response(body, { status, headers })
}

function outcome({ is: [type, status, shown], retry, retryAfter }: Row) {
  return {
    type,
    status,
    message: expect.stringContaining(shown),
    ...(retry === undefined ? {} : { retry }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  }
}

const named = (rows: readonly Row[]) =>
  rows.map((row) => [row.says[0], row.says[2].slice(0, 40), row.is[0], row] as const)
const inStream = (rows: readonly Row[]) => named(rows.filter(({ onlyHttp }) => !onlyHttp))
const PRIVATE = /secret-project|projects\/|organizations\/|[0-9a-f]{8}-[0-9a-f]{4}-/

describe("Anthropic's shape", () => {
  test.each(named(ANTHROPIC))('%s "%s" is %s', async (_, __, ___, row) => {
    const body = anthropicBody(row.says)
    const refusal = apiRefusal(body, answerOf(body, row))
    const error = errorFor(API_RULES, refusal ?? { name: '', message: '', status: 0 }, about)
    expect(error).toMatchObject(outcome(row))
    expect(error.message).not.toMatch(PRIVATE)
  })

  test.each(inStream(ANTHROPIC))('%s "%s" inside a stream is %s', (_, __, ___, row) => {
    const error = apiStreamError(encoder.encode(anthropicBody(row.says)), about)
    expect(error).toMatchObject(outcome(row))
    expect(error.message).not.toMatch(PRIVATE)
  })

  test('carries what was objected to, over HTTP and in a stream', async () => {
    const says: Row['says'] = ['invalid_request_error', 400, 'x.y: Extra inputs are not permitted']
    const objection = { kind: 'field', path: 'x.y' }
    const { error } = await refusedByAws(answerOf(anthropicBody(says), { says, is: says }), about)
    expect(error.objection).toEqual(objection)
    expect(apiStreamError(encoder.encode(anthropicBody(says)), about).objection).toEqual(objection)
  })

  test('fresh credentials are asked for when they may help, and only then', async () => {
    const asks = async (says: Row['says']) =>
      (await refusedByAws(answerOf(anthropicBody(says), { says, is: says }), about)).credentials
    expect(await asks(['authentication_error', 401, 'no'])).toBe(true)
    expect(await asks(['permission_error', 403, 'Signature expired'])).toBe(true)
    expect(await asks(['permission_error', 403, 'not yours'])).toBe(false)
  })
})

describe("Google's shape", () => {
  test.each(named(GOOGLE))('%s "%s" is %s', async (_, __, ___, row) => {
    for (const body of [googleBody(row.says), `[${googleBody(row.says)}]`]) {
      const { error, credentials } = await refusedByGoogle(answerOf(body, row), about)
      expect(error).toMatchObject(outcome(row))
      expect(error.message).not.toMatch(PRIVATE)
      expect(credentials).toBe(row.says[1] === 401)
    }
  })

  test.each(inStream(GOOGLE))('%s "%s" inside a stream is %s', (_, __, ___, row) => {
    const error = streamError(encoder.encode(googleBody(row.says)), about)
    expect(error).toMatchObject(outcome(row))
    expect(error.message).not.toMatch(PRIVATE)
  })

  test("gives way to Anthropic's, which Claude's own server answers in", async () => {
    const says: Row['says'] = ['invalid_request_error', 400, 'x: bad']
    const { error } = await refusedByGoogle(answerOf(anthropicBody(says), { says, is: says }), about)
    expect(error).toMatchObject({ type: 'invalid_request_error', message: 'x: bad' })
    expect(streamError(encoder.encode(anthropicBody(says)), about).type).toBe('invalid_request_error')
  })
})

test.each(['', '<html>502 Bad Gateway</html>', 'null', '"text"', '[]', '{"error":"text"}'])(
  'an answer that is no refusal of any shape (%j) is a failure all the same',
  async (body) => {
    for (const refusedBy of [refusedByAws, refusedByGoogle]) {
      const { error } = await refusedBy(new Response(body, { status: 502 }), about)
      expect(error).toMatchObject({ type: 'api_error', message: 'The upstream failed to answer.' })
    }
  },
)
