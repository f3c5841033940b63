/**
 * How an upstream's refusal becomes an error of the Messages API: a table for each shape that refusals come in, read
 * from the top. Claude Code acts on status, type and wording: "prompt is too long" makes it compact, a 401 makes it ask
 * for a login, a 5xx makes it try ten times. https://docs.claude.com/en/api/errors
 */

import { type ErrorOptions, type ErrorType, GatewayError } from '../errors.ts'
import type { Fault, FaultName } from './faults.ts'
import { objectionIn } from './objections.ts'
import type { Answer } from './send.ts'

/** A refusal as an upstream puts it, over HTTP or inside a stream. */
export interface Refusal {
  /** What it calls it: `ThrottlingException`, `overloaded_error`, `RESOURCE_EXHAUSTED`. */
  name: string
  message: string
  /** The HTTP status; 0 inside a stream. */
  status: number
  /** What the model itself answered, where that is passed on. */
  originalStatus?: number | undefined
  /** Seconds, where it is said when to come back. */
  retryAfter?: number | undefined
}

export interface Rule {
  /** Lower-case names; any, where there are none. */
  names?: readonly string[]
  statuses?: readonly number[]
  originalStatuses?: readonly number[]
  message?: RegExp
  type: ErrorType
  /** Whose fault it is, where the type does not say it. */
  fault?: FaultName
  /** What the developer reads; the upstream's own sentence where there is none. */
  sentence?: (about: About, message: string) => string
  options?: ErrorOptions
}

/** What sentences speak of. */
export interface About {
  /** The name that the developer asked for. */
  model: string
  /** `Amazon Bedrock` */
  upstream: string
  /** `AWS account and region`: what of the gateway's the upstream knows. */
  account: string
  /** Names that no sentence may hold, beyond those that show by their form. */
  hidden?: readonly string[]
}

/** Upstreams that do not say when to come back. A minute's quota refills steadily, so a few seconds often do. */
const COME_BACK_AFTER = 10
/** Claude Code gives up at once above this many seconds. */
const LONGEST_WAIT = 60

/** Statuses speak for themselves where no rule knows the name. */
const BY_STATUS: readonly Rule[] = [
  { statuses: [413], type: 'request_too_large' },
  { statuses: [429], type: 'rate_limit_error' },
  { statuses: [503, 529], type: 'overloaded_error' },
  { statuses: [504], type: 'timeout_error' },
  { statuses: [400], type: 'invalid_request_error' },
  { statuses: [401, 403], type: 'api_error', fault: 'credentials' },
  { statuses: [402], type: 'api_error', fault: 'billing' },
]

/**
 * Refusals of which the operator reads what the upstream said. Of any other the name is enough: the sentence may quote
 * the call.
 */
const ABOUT_ACCESS: ReadonlySet<string> = new Set(['permission_error', 'not_found_error'])

/** What is longer quotes a request at length; it is read by many expressions. */
const LONGEST_SENTENCE = 4_000

/** The error a developer gets. */
export function errorFor(rules: readonly Rule[], refusal: Refusal, about: About): GatewayError {
  refusal = { ...refusal, message: refusal.message.slice(0, LONGEST_SENTENCE) }
  const rule: Rule = [...rules, ...BY_STATUS].find((each) => fits(each, refusal)) ?? { type: 'api_error' }
  const sentence = rule.sentence?.(about, refusal.message) ?? refusal.message
  const shown = withoutNames(sentence, about.hidden) || `${about.upstream} failed to answer.`
  return new GatewayError(rule.type, shown, {
    ...waiting(rule, refusal),
    // Only what was found wrong with the request can be mended by leaving it out.
    ...(rule.type === 'invalid_request_error' ? { objection: objectionIn(refusal.message) } : {}),
    ...rule.options,
    fault: faultIn(rule, refusal),
    operator: forOperator(rule, refusal),
  })
}

/** What a refusal says of the upstream: that it is in the way, or for how long. */
function faultIn({ fault: name }: Rule, { retryAfter }: Refusal): Fault | undefined {
  if (name === undefined && retryAfter === undefined) return undefined
  return {
    ...(name === undefined ? {} : { name }),
    ...(retryAfter === undefined ? {} : { wait: retryAfter * 1_000 }),
  }
}

function forOperator({ type, sentence }: Rule, { name, status, message }: Refusal): string {
  const said = ABOUT_ACCESS.has(type) || sentence === credentialsRefused ? `: ${message}` : ''
  return `${name} (${status})${said}`
}

function fits({ names, statuses, originalStatuses, message }: Rule, refusal: Refusal): boolean {
  return (
    (names?.includes(refusal.name.toLowerCase()) ?? true) &&
    (statuses?.includes(refusal.status) ?? true) &&
    (originalStatuses?.includes(refusal.originalStatus ?? 0) ?? true) &&
    (message?.test(refusal.message) ?? true)
  )
}

function waiting({ type, options }: Rule, { retryAfter }: Refusal): ErrorOptions {
  if (options?.retry === false) return {}
  const seconds = retryAfter ?? (type === 'rate_limit_error' ? COME_BACK_AFTER : undefined)
  if (seconds === undefined || (type !== 'rate_limit_error' && type !== 'overloaded_error')) return {}
  return seconds > LONGEST_WAIT ? { retry: false } : { retryAfter: Math.max(1, Math.ceil(seconds)) }
}

/** What is nobody's but the operator's, and what stands for it. */
const NAMES: readonly [RegExp, string][] = [
  [/\barn:aws[a-z-]*:[^\s"'`,)]+/g, '(resource)'],
  [/\bprojects\/[^\s"'`,)]+/g, '(resource)'],
  [/\b(?:organizations|folders|billingAccounts)\/[\w-]+/g, '(account)'],
  [/[\w.+-]+@[\w.-]+\.gserviceaccount\.com\b/g, '(account)'],
  [/\s*\(?\borg(?:anization)?(?:_id)?[:=]? ?[0-9a-f]{8}-[0-9a-f-]{27}\)?/gi, ' (account)'],
  [/\bwrkspc_\w+/g, '(workspace)'],
  [/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}\b/g, '(account)'],
  [/\b\d{12}\b/g, '(account)'],
]

/** A sentence without the names of accounts and what is in them. */
function withoutNames(sentence: string, hidden: readonly string[] = []): string {
  const bare = NAMES.reduce((text, [name, instead]) => text.replaceAll(name, instead), sentence)
  return hidden.reduce((text, name) => text.replaceAll(name, '(account)'), bare)
}

// Sentences that more than one table says.

export function tooLong(_: About, message: string): string {
  return /^prompt/i.test(message) ? message : `prompt is too long: ${message}`
}

export function modelUnusable({ model, account }: About): string {
  return `The model '${model}' cannot be used on this gateway's ${account}.`
}

export function modelUnknown({ model, account }: About): string {
  return `The model '${model}' was not found in this gateway's ${account}.`
}

export function modelForbidden({ model, account }: About): string {
  return `There is no access to the model '${model}' in this gateway's ${account}.`
}

export function credentialsRefused({ upstream }: About): string {
  return `${upstream} refused the gateway's own credentials. Your key is fine; tell whoever runs this gateway.`
}

/** The text of a refusal; what breaks off while it is said has said nothing. */
export function refusalText(response: Answer): Promise<string> {
  return response.text().catch(() => '')
}

/** A refusal's body as JSON, if it is an object; what stands in front of an upstream may answer anything. */
export function refusalBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(text)
    // Google wraps some of its errors in an array.
    const body: unknown = Array.isArray(read) ? read[0] : read
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export function textIn(
  body: Readonly<Record<string, unknown>>,
  ...keys: readonly string[]
): string | undefined {
  return keys.map((key) => body[key]).find((value) => typeof value === 'string')
}

/** `retry-after`, where it is in seconds. */
export function retryAfterIn(headers: Answer['headers']): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return seconds >= 0 ? seconds : undefined
}
