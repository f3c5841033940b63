/**
 * What a failed attempt means: whether another upstream may do better, and what is to be thought of the one that failed.
 * The one table for it. What is wrong with a call is wrong everywhere, so that only what is an upstream's own is in it:
 * anything that is not known to be that goes to the caller at once.
 */
import { type ErrorType, GatewayError } from '../../errors.ts'
import type { FaultName } from '../../protocol/faults.ts'

export type FailureClass =
  | 'throttled'
  | 'spent_today'
  | 'overloaded'
  | 'failed'
  | 'slow'
  | 'unreachable'
  | 'credentials'
  | 'billing'
  | 'access'

/** What a class does to the breaker of whatever it speaks of. Milliseconds. */
export interface Consequence {
  /** It holds for every model of the upstream, or for the one that was called. */
  of: 'upstream' | 'model'
  /** So many in a row, and nothing goes there for a while. */
  after: number
  /** How long, at first; each time that it was for nothing, twice as long. */
  pause: number
  longest: number
}

const SECOND = 1_000
const MINUTE = 60_000

export const CONSEQUENCES: Readonly<Record<FailureClass, Consequence>> = {
  // A minute's quota refills steadily, and a smaller call may fit: how much room there is, headroom knows better.
  throttled: { of: 'model', after: 2, pause: 5 * SECOND, longest: MINUTE },
  spent_today: { of: 'model', after: 1, pause: 15 * MINUTE, longest: 60 * MINUTE },
  overloaded: { of: 'model', after: 3, pause: 10 * SECOND, longest: 2 * MINUTE },
  failed: { of: 'model', after: 3, pause: 10 * SECOND, longest: 2 * MINUTE },
  slow: { of: 'model', after: 3, pause: 15 * SECOND, longest: 2 * MINUTE },
  unreachable: { of: 'upstream', after: 2, pause: 5 * SECOND, longest: MINUTE },
  // Fresh ones were tried before it came to this.
  credentials: { of: 'upstream', after: 1, pause: 15 * SECOND, longest: 5 * MINUTE },
  billing: { of: 'upstream', after: 1, pause: MINUTE, longest: 10 * MINUTE },
  access: { of: 'model', after: 1, pause: MINUTE, longest: 15 * MINUTE },
}

const BY_FAULT: Readonly<Record<FaultName, FailureClass>> = {
  unreachable: 'unreachable',
  credentials: 'credentials',
  billing: 'billing',
  access: 'access',
  spent_today: 'spent_today',
}

/** Where nothing more is said than the type. The types that are not here are about the call. */
const BY_TYPE: Readonly<Partial<Record<ErrorType, FailureClass>>> = {
  rate_limit_error: 'throttled',
  overloaded_error: 'overloaded',
  timeout_error: 'slow',
  api_error: 'failed',
  permission_error: 'access',
}

export interface Failure {
  class: FailureClass
  error: GatewayError
  /** Milliseconds, where the upstream said when to come back. */
  wait: number | undefined
}

/**
 * What a failed attempt says of the upstream; undefined where it says nothing: for what is wrong with the call, and for
 * errors of the gateway's own making, which would meet it everywhere.
 */
export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof GatewayError)) return undefined
  const { fault, type } = error
  const found = fault?.name === undefined ? BY_TYPE[type] : BY_FAULT[fault.name]
  return found && { class: found, error, wait: fault?.wait }
}

/** It has no room just now: the call itself is as good there later. */
export function isThrottle({ class: said }: Pick<Failure, 'class'>): boolean {
  return said === 'throttled' || said === 'spent_today'
}
