/** How a token for the admin API comes into the world. */
import type { Tables } from '../data/data.ts'
import type { Token } from '../data/tokens.ts'
import { newId } from '../protocol/ids.ts'
import { hashOf, hintOf, newSecret } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'

/** A new token and its secret, which is kept nowhere. */
export async function createToken(
  { data, now }: { data: Pick<Tables, 'tokens'>; now: Runtime['now'] },
  wish: Pick<Token, 'userId' | 'name' | 'readOnly' | 'expiresAt'>,
): Promise<{ token: Token; secret: string }> {
  const secret = newSecret('oct')
  const at = now()
  const token = {
    id: newId('token', at),
    ...wish,
    hash: await hashOf(secret),
    hint: hintOf(secret),
    createdAt: new Date(at),
    lastUsedAt: null,
    revokedAt: null,
  }
  await data.tokens.create(token)
  return { token, secret }
}
