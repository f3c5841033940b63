/** What an upstream's refusal or failure says of the upstream itself, beyond what the caller is told. */

/** Named where the type of an error does not say it: see gateway/routing/failures.ts for what each one means. */
export type FaultName =
  /** Nobody is there: no such host, no connection, one that broke. */
  | 'unreachable'
  /** The gateway's own credentials, or that there are none. */
  | 'credentials'
  /** The gateway's own account is not paid for. */
  | 'billing'
  /** The account may not use the model, or it is not there. */
  | 'access'
  /** The account has used up what it may have of the model today. */
  | 'spent_today'

export interface Fault {
  name?: FaultName
  /** When to come back, in milliseconds, as the upstream says it. */
  wait?: number
}
