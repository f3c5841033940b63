/** How a key comes into the world, and how its secret is replaced. */
import type { Tables } from '../data/data.ts'
import type { Key } from '../data/keys.ts'
import { newId } from '../protocol/ids.ts'
import { hashOf, hintOf, newSecret } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'

/** What may be said of a key; what is left out is no bound. */
export interface KeyWish {
  name: string
  userId?: string | null | undefined
  teamId?: string | null | undefined
  models?: string[] | null | undefined
  deniedModels?: string[] | null | undefined
  requestsPerMinute?: number | null | undefined
  tokensPerMinute?: number | null | undefined
  concurrent?: number | null | undefined
  addresses?: string[] | null | undefined
  expiresAt?: Date | null | undefined
}

interface Lent {
  data: Pick<Tables, 'keys'>
  now: Runtime['now']
}

/** A new key and its secret, which is kept nowhere. `createdBy` is an actor, as the audit log names them. */
export async function createKey(
  { data, now }: Lent,
  wish: KeyWish,
  createdBy: string | null = null,
): Promise<{ key: Key; secret: string }> {
  const secret = newSecret()
  const at = now()
  const key = {
    id: newId('key', at),
    name: wish.name,
    userId: wish.userId ?? null,
    teamId: wish.teamId ?? null,
    hash: await hashOf(secret),
    hint: hintOf(secret),
    previousHash: null,
    previousHint: null,
    previousUntil: null,
    models: wish.models ?? null,
    deniedModels: wish.deniedModels ?? null,
    requestsPerMinute: wish.requestsPerMinute ?? null,
    tokensPerMinute: wish.tokensPerMinute ?? null,
    concurrent: wish.concurrent ?? null,
    addresses: wish.addresses ?? null,
    createdBy,
    createdAt: new Date(at),
    expiresAt: wish.expiresAt ?? null,
    lastUsedAt: null,
    disabledAt: null,
    deletedAt: null,
  }
  await data.keys.create(key)
  return { key, secret }
}

/**
 * Another secret for a key. The one it has works for `grace` milliseconds more, and the one before that no longer.
 * Undefined where somebody else was faster: one of two secrets would be lost without a word.
 */
export async function rotateKey(
  { data, now }: Lent,
  key: Key,
  grace: number,
): Promise<{ key: Key; secret: string } | undefined> {
  const secret = newSecret()
  const previous =
    grace > 0
      ? { previousHash: key.hash, previousHint: key.hint, previousUntil: new Date(now() + grace) }
      : { previousHash: null, previousHint: null, previousUntil: null }
  const fresh = { hash: await hashOf(secret), hint: hintOf(secret), ...previous }
  const rotated = await data.keys.change(key.id, fresh, { hash: key.hash })
  return rotated && { key: rotated, secret }
}
