/** Who uses the admin API: whoever holds the operator's token, or a token that speaks for a user. */
import type { Token } from '../data/tokens.ts'
import type { User } from '../data/users.ts'
import { GatewayError } from '../errors.ts'
import { hashOf, isWellFormed } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'
import { type Actor, ROOT } from './actor.ts'
import { bearerOf } from './authenticate.ts'

/** The setting that holds the hash of the token printed at the first start. */
export const ADMIN_TOKEN_HASH = 'admin_token_hash'

const TRUST = 60_000

/** How often it is noted that a token was used. */
const NOTE_EVERY = 60_000

/**
 * Tokens of users are looked up each time: who was deactivated, or lost a role, has lost it with the next request.
 * @throws GatewayError authentication_error for anybody else.
 */
export async function administer(runtime: Runtime, headers: Headers): Promise<Actor> {
  const token = bearerOf(headers)
  if (token === undefined) throw refused('The admin API takes: authorization: Bearer <admin token>.')
  if (isWellFormed(token)) throw refused('This is a key for calls to models. The admin API takes a token.')
  if (isWellFormed(token, 'oct')) return userBehind(runtime, token)
  // Hashes are compared, so that the time it takes tells nothing about the token.
  const presented = await hashOf(token)
  const { adminToken } = runtime.config
  // A token that the operator set is the only one: that is how a lost or leaked one is replaced.
  const expected = adminToken === undefined ? await generatedHash(runtime) : await hashOf(adminToken)
  if (presented === expected) return ROOT
  throw refused('This is not an admin token of this gateway.')
}

async function userBehind(runtime: Runtime, secret: string): Promise<Actor> {
  const { data, now } = runtime
  const found = await data.tokens.byHash(await hashOf(secret))
  if (!found) throw refused('This token is not known here. It may have been revoked; ask for a new one.')
  const { token, user } = found
  const at = now()
  if (token.expiresAt && token.expiresAt.getTime() <= at) throw refused('This token has expired.')
  if (user.deactivatedAt || user.archivedAt) throw refused('Whose token this is has been deactivated here.')
  const memberships = await data.memberships.of([user.id])
  runtime.waitUntil(data.tokens.touch(token.id, new Date(at), new Date(at - NOTE_EVERY)).catch(() => {}))
  return actorOf(token, user, memberships)
}

function actorOf(token: Token, user: User, memberships: readonly { teamId: string; role: string }[]): Actor {
  return {
    id: `token:${token.id}`,
    name: `${user.name} (${token.name})`,
    role: user.role,
    userId: user.id,
    leads: memberships.filter(({ role }) => role === 'lead').map(({ teamId }) => teamId),
    teams: memberships.map(({ teamId }) => teamId),
    readOnly: token.readOnly,
    breakGlass: false,
    until: token.expiresAt,
  }
}

function generatedHash(runtime: Runtime): Promise<unknown> {
  return runtime.cache.remember(ADMIN_TOKEN_HASH, async () => {
    const value = await runtime.data.settings.get(ADMIN_TOKEN_HASH)
    return { value, ttl: TRUST, grace: runtime.config.outageGrace }
  })
}

function refused(sentence: string): GatewayError {
  return new GatewayError('authentication_error', sentence)
}
