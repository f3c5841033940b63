/** How a key comes into the world. */
import type { Key } from '../data/keys.ts'
import { newId } from '../protocol/ids.ts'
import { hashOf, newSecret } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'

const HINT_LENGTH = 9

interface Wish {
  name: string
  models?: string[] | null | undefined
  requestsPerMinute?: number | null | undefined
  tokensPerMinute?: number | null | undefined
}

/** A new key and its secret, which is kept nowhere. */
export async function createKey(
  { data, now }: Pick<Runtime, 'data' | 'now'>,
  { name, models = null, requestsPerMinute = null, tokensPerMinute = null }: Wish,
): Promise<{ key: Key; secret: string }> {
  const secret = newSecret()
  const at = now()
  const key = {
    id: newId('key', at),
    name,
    models,
    deniedModels: null,
    requestsPerMinute,
    tokensPerMinute,
    concurrent: null,
    addresses: null,
    userId: null,
    teamId: null,
    createdBy: null,
    hash: await hashOf(secret),
    hint: secret.slice(0, HINT_LENGTH),
    previousHash: null,
    previousHint: null,
    previousUntil: null,
    createdAt: new Date(at),
    expiresAt: null,
    lastUsedAt: null,
    disabledAt: null,
    deletedAt: null,
  }
  await data.keys.create(key)
  return { key, secret }
}
