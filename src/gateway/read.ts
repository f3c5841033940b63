/** Request in, Call out: the body buffered under a cap, and the few fields we read judged. */

import type { LimitsConfig } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { type Bytes, concat } from '../protocol/bytes.ts'
import { member, outline, parse, type Value } from '../protocol/json.ts'
import { type Call, requestShape } from '../protocol/messages.ts'
import type { Runtime } from '../runtime.ts'

interface Lent {
  limits: LimitsConfig
  view?: Runtime['view']
  whole?: Runtime['whole']
  gone?: Runtime['gone']
}

interface Arrival {
  id: string
  startedAt: number
}

/** What a URL says instead of the body. */
export interface Said {
  model?: string
  stream?: boolean
}

/**
 * The canonical form of a request.
 * @throws GatewayError request_too_large before the body is buffered where its length says so; invalid_request_error,
 *   in Anthropic's wording, naming the field.
 */
export async function read(request: Request, arrival: Arrival, lent: Lent, said: Said = {}): Promise<Call> {
  const { headers } = request
  const body = await buffer(request, lent)
  if (body.length === 0) throw invalid('The request body is empty.')
  const root = outline(body, requestShape)
  if (!root.members) throw invalid('The request body must be a JSON object.')
  const model = said.model ?? field(body, root, 'model', isText, 'a valid string')
  requireArray(root, 'messages', body)
  return {
    id: arrival.id, // one by one: what is spread into an object makes it one of a kind, to be learned anew by all
    startedAt: arrival.startedAt,
    body,
    outline: root,
    model,
    stream: said.stream ?? optional(body, root, 'stream', isBoolean, 'a valid boolean') ?? false,
    betas: betas(
      headers.get('anthropic-beta'),
      optional(body, root, 'anthropic_beta', isTexts, 'a list of strings'),
    ),
    signal: lent.gone ?? request.signal,
    session: shortHeader(headers, 'x-claude-code-session-id'),
    agent: shortHeader(headers, 'x-claude-code-agent-id'),
    parentAgent: shortHeader(headers, 'x-claude-code-parent-agent-id'),
  }
}

/** A Messages request that is to be answered, not only counted, must say how long the answer may get. */
export function requireMaxTokens(call: Call) {
  maxTokensOf(call)
}

/** How long the answer may get. @throws GatewayError invalid_request_error where the call does not say. */
export function maxTokensOf({ body, outline: root }: Call): number {
  return field(body, root, 'max_tokens', isCount, 'a valid integer of at least 1')
}

async function buffer(
  request: Request,
  { limits: { bodyBytes: most }, view, whole: read }: Lent,
): Promise<Bytes> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > most) throw tooLarge(most)
  // A body with a length cannot turn out longer, and is fastest read whole: on Node, only where nobody has asked for
  // its stream before.
  if (declared > 0) {
    if (read) return read(declared).catch(brokeOff)
    const whole = await request.arrayBuffer().catch(brokeOff)
    return view?.(whole) ?? new Uint8Array(whole)
  }
  if (!request.body) return new Uint8Array()
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of request.body as AsyncIterable<Uint8Array>) {
      length += part.length
      if (length > most) throw tooLarge(most) // leaving the loop cancels the rest
      parts.push(part)
    }
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : brokeOff(cause)
  }
  return concat(parts)
}

function brokeOff(cause: unknown): never {
  throw invalid('The request body did not arrive whole.', cause)
}

function tooLarge(most: number): GatewayError {
  return new GatewayError('request_too_large', `Request exceeds the maximum size of ${most} bytes.`)
}

function field<T>(
  body: Uint8Array,
  root: Value,
  key: string,
  is: (value: unknown) => value is T,
  what: string,
): T {
  const value = optional(body, root, key, is, what)
  if (value === undefined) throw invalid(`${key}: Field required`)
  return value
}

function optional<T>(
  body: Uint8Array,
  root: Value,
  key: string,
  is: (value: unknown) => value is T,
  what: string,
): T | undefined {
  const span = member(root, key)
  if (!span) return undefined
  // A value that is as long as a prompt is none of these: not parsed, to be refused.
  const value = span.end - span.start > MAX_READ ? undefined : parse<unknown>(body, span)
  if (value === null && key !== 'model') return undefined
  if (!is(value)) throw invalid(`${key}: Input should be ${what}`)
  return value
}

const MAX_READ = 16_384

function requireArray(root: Value, key: string, body: Uint8Array) {
  const value = member(root, key)
  if (!value) throw invalid(`${key}: Field required`)
  if (!value.elements) throw invalid(`${key}: Input should be a valid array`)
  value.elements.forEach((element, index) => {
    if (!element.members) throw invalid(`${key}.${index}: Input should be a valid dictionary or object`)
    const role = member(element, 'role')
    if (!role) throw invalid(`${key}.${index}.role: Field required`)
    if (body[role.start] !== 0x22) throw invalid(`${key}.${index}.role: Input should be a valid string`)
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1
}

/** What no beta looks like is none: names are kept, and learned about. */
const BETA = /^[\w.-]{1,128}$/
const MOST_BETAS = 64

function betas(header: string | null, inBody: string[] = []): string[] {
  const named = [...(header ?? '').split(','), ...inBody].map((beta) => beta.trim())
  return [...new Set(named.filter((beta) => BETA.test(beta)))].slice(0, MOST_BETAS)
}

/** Ids of the client's, for the ledger: what is longer than any of them is none. */
function shortHeader(headers: Headers, name: string): string | undefined {
  const value = headers.get(name)
  return value !== null && value !== '' && value.length <= 128 ? value : undefined
}

function invalid(sentence: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_request_error', sentence, { cause })
}
