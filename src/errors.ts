/**
 * What goes wrong, in the words of the Anthropic API. One class, thrown anywhere; one place (app.ts) answers.
 *
 * Types and statuses: https://docs.claude.com/en/api/errors, plus `policy_blocked`, which Claude Code shows to
 * the developer as it stands, and `billing_error` on 429, which makes it stop instead of retrying.
 */
import type { Fault } from './protocol/faults.ts'
import type { Objection } from './protocol/objections.ts'

const STATUS = {
  invalid_request_error: 400,
  policy_blocked: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  billing_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
} as const

export type ErrorType = keyof typeof STATUS

/** Types that no amount of waiting cures: the client is told not to try again. */
const FINAL: ReadonlySet<ErrorType> = new Set([
  'authentication_error',
  'permission_error',
  'policy_blocked',
  'billing_error',
])

export interface ErrorOptions {
  cause?: unknown
  /** Overrides the type's own status, for example 405 or 503. */
  status?: number
  /** Whole seconds, for `retry-after`. Claude Code gives up at once above 60. */
  retryAfter?: number
  /** For `x-should-retry`, where the type does not already say it. */
  retry?: boolean
  /** Further response headers, for example `allow`. */
  headers?: Record<string, string>
  /** What the log may say of it to the operator: an upstream's words, where they are about the gateway's own access. */
  operator?: string | undefined
  /** What an upstream objected to that can be left out. */
  objection?: Objection | undefined
  /** What it says of the upstream, beyond what the caller is told. */
  fault?: Fault | undefined
}

/** A refusal or failure that a caller may read. Its message is written for the person who sees it. */
export class GatewayError extends Error {
  readonly type: ErrorType
  readonly status: number
  readonly retryAfter: number | undefined
  readonly retry: boolean | undefined
  readonly headers: Record<string, string>
  readonly operator: string | undefined
  readonly objection: Objection | undefined
  readonly fault: Fault | undefined

  constructor(type: ErrorType, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'GatewayError'
    this.type = type
    this.status = options.status ?? STATUS[type]
    this.retryAfter = options.retryAfter
    this.retry = options.retry ?? (FINAL.has(type) ? false : undefined)
    this.headers = options.headers ?? {}
    this.operator = options.operator
    this.objection = options.objection
    this.fault = options.fault
  }
}

/** Anything thrown, as something that may be shown: what is not a GatewayError keeps its message to itself. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  return new GatewayError('api_error', 'Internal error', { cause: error })
}

/** The error body of the Messages API, also the data of an SSE `error` event. */
export function envelope(error: GatewayError, requestId: string) {
  return {
    type: 'error',
    error: { type: error.type, message: error.message },
    request_id: requestId,
  } as const
}

/** The HTTP answer to an error. */
export function errorResponse(error: GatewayError, requestId: string): Response {
  const headers = new Headers(error.headers)
  headers.set('content-type', 'application/json')
  headers.set('request-id', requestId)
  if (error.retryAfter !== undefined) headers.set('retry-after', String(error.retryAfter))
  if (error.retry !== undefined) headers.set('x-should-retry', String(error.retry))
  return new Response(JSON.stringify(envelope(error, requestId)), { status: error.status, headers })
}
