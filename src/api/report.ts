/** What the operator is told of an error, and what of it may be shown. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { isOutage } from '../data/database.ts'
import { asGatewayError, GatewayError } from '../errors.ts'
import type { Env } from './env.ts'

/** The error as the caller may see it; trouble of ours is logged with where it happened. */
export function report(error: Error, c: Context<Env>): GatewayError {
  const known = knownAs(error)
  if (known.status >= 500 && !c.req.raw.signal.aborted) {
    const cause = known.cause instanceof Error ? known.cause : error
    c.env.log('error', 'request failed', {
      id: c.var.requestId,
      path: c.req.path,
      error: cause.name,
      // A refusal of our own says all in its sentence, and a stack costs more than all else about it: past capacity
      // there are hundreds a second.
      stack: cause instanceof GatewayError ? undefined : frames(cause),
    })
  }
  return known
}

function knownAs(error: Error): GatewayError {
  if (error instanceof HTTPException) return fromHono(error)
  if (error instanceof GatewayError) return error
  return isOutage(error) ? databaseAway(error) : asGatewayError(error)
}

export function databaseAway(cause?: unknown): GatewayError {
  return new GatewayError('api_error', 'The database does not answer.', { cause, status: 503, retryAfter: 5 })
}

/** Hono's own refusals, such as a body that is not JSON. */
function fromHono(error: HTTPException): GatewayError {
  if (error.status >= 500) return asGatewayError(error)
  return new GatewayError('invalid_request_error', error.message, { status: error.status })
}

/** Where it happened, without the message: Drizzle's holds the parameters of the statement. */
function frames(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => line.trim())
    .join(' < ')
}
