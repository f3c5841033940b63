/** Who may use the admin API: for now whoever holds the admin token. */
import { GatewayError } from '../errors.ts'
import { hashOf } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'
import { type Actor, ROOT } from './actor.ts'
import { bearerOf } from './authenticate.ts'

/** The setting that holds the hash of the token printed at the first start. */
export const ADMIN_TOKEN_HASH = 'admin_token_hash'

const TRUST = 60_000

/** @throws GatewayError authentication_error for anybody else. */
export async function administer(runtime: Runtime, headers: Headers): Promise<Actor> {
  const token = bearerOf(headers)
  if (token === undefined) throw refused('The admin API takes: authorization: Bearer <admin token>.')
  // Hashes are compared, so that the time it takes tells nothing about the token.
  const presented = await hashOf(token)
  const { adminToken } = runtime.config
  // A token that the operator set is the only one: that is how a lost or leaked one is replaced.
  const expected = adminToken === undefined ? await generatedHash(runtime) : await hashOf(adminToken)
  if (presented === expected) return ROOT
  throw refused('This is not the admin token of this gateway.')
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
