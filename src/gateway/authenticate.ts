/** Who is calling: headers in, Principal out. */
import type { Key } from '../data/keys.ts'
import { GatewayError } from '../errors.ts'
import { isWellFormed } from '../protocol/keys.ts'
import type { Remembered, Runtime } from '../runtime.ts'
import { type Rules, rulesFor } from './rules.ts'

/** Who is calling, and what it may do. */
export interface Principal extends Rules {
  keyId: string
  keyName: string
  userId: string | null
  teamId: string | null
  /** Patterns of the model names it may use; undefined is every model. */
  models: readonly string[] | undefined
}

/**
 * How long a key may be served from the cache: the bound on how long a revoked one still works, unless the database
 * is away; then a key in use goes on working for `outageGrace`.
 */
const TRUST = 60_000
/** How long an unknown key is refused from the cache: short, for it may be about to be made. */
const DISTRUST = 5_000

/**
 * The principal behind the request's key, from `authorization: Bearer` or `x-api-key`.
 * @throws GatewayError authentication_error for a missing, malformed, unknown or deleted key; permission_error for a
 *   disabled one.
 */
export async function authenticate(runtime: Runtime, headers: Headers): Promise<Principal> {
  const secret = presentedSecret(headers)
  if (!isWellFormed(secret)) {
    throw refused('This is not a key of this gateway. Keys start with oc_; ask whoever runs it for one.')
  }
  const hash = await runtime.hashes.sha256(secret)
  const found = await runtime.cache.remember(`key:${hash}`, () => lookUp(runtime, hash)).catch(cannotTell)
  if (found === 'unknown')
    throw refused('This key is not known here. It may have been deleted; ask for a new one.')
  if (found === 'disabled') {
    throw new GatewayError(
      'permission_error',
      'This key is disabled. Ask whoever runs this gateway to enable it.',
    )
  }
  return found
}

/** Call it when a key changes, so that this process at least acts at once. */
export function forgetKey(runtime: Runtime, hash: string) {
  runtime.cache.forget(`key:${hash}`)
}

type Standing = Principal | 'unknown' | 'disabled'

async function lookUp(runtime: Runtime, hash: string): Promise<Remembered<Standing>> {
  const key = await runtime.data.keys.byHash(hash)
  if (!key) return { value: 'unknown', ttl: DISTRUST }
  if (key.disabledAt) return { value: 'disabled', ttl: DISTRUST }
  return { value: await principalOf(runtime, key), ttl: TRUST, grace: runtime.config.outageGrace }
}

async function principalOf(runtime: Runtime, key: Key): Promise<Principal> {
  const { id: keyId, name: keyName, models, userId, teamId } = key
  const { requestsPerMinute, tokensPerMinute, concurrent } = key
  const own = { requestsPerMinute, tokensPerMinute, concurrent }
  const rules = await rulesFor(runtime, { keyId, userId, teamId }, [
    { scope: 'key', subject: keyId, name: keyName, ...own },
  ])
  return { keyId, keyName, userId, teamId, models: models ?? undefined, ...rules }
}

/** A good key must not be called a bad one because the database is down: clients throw such keys away. */
function cannotTell(cause: unknown): never {
  throw new GatewayError(
    'api_error',
    'The gateway cannot check keys just now: its database does not answer.',
    {
      cause,
      status: 503,
      retryAfter: 5,
    },
  )
}

/** Claude Code sends both headers when a key helper is configured: they must agree, or one of them goes unchecked. */
function presentedSecret(headers: Headers): string {
  const apiKey = headers.get('x-api-key')?.trim() || undefined
  const bearer = bearerOf(headers)
  if (apiKey !== undefined && bearer !== undefined && apiKey !== bearer) {
    throw refused('The authorization and x-api-key headers carry different keys. Send one of them.')
  }
  const secret = bearer ?? apiKey
  if (secret === undefined) {
    throw refused('No key was sent. Set ANTHROPIC_AUTH_TOKEN to a key of this gateway.')
  }
  return secret
}

/** The token of an `authorization: Bearer` header. */
export function bearerOf(headers: Headers): string | undefined {
  const header = headers.get('authorization')?.trim()
  if (!header) return undefined
  const [, token] = /^bearer +(\S+)$/i.exec(header) ?? []
  if (token === undefined) throw refused('The authorization header must read: Bearer <key>.')
  return token
}

function refused(sentence: string): GatewayError {
  return new GatewayError('authentication_error', sentence)
}
