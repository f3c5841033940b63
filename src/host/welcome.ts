/** What the first start says, once for an installation: its database remembers that it was said. */
import { ADMIN_TOKEN_HASH } from '../gateway/administer.ts'
import { createKey } from '../gateway/keys.ts'
import { hashOf, randomText } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'

const TOKEN_LENGTH = 43 // 256 bits

/** Undefined but for the first process that ever starts on this database. */
export async function welcome(runtime: Runtime, url: string): Promise<string | undefined> {
  const token = `oa_${randomText(TOKEN_LENGTH)}`
  const isFirst = await runtime.data.settings.claim(ADMIN_TOKEN_HASH, await hashOf(token))
  if (!isFirst) return undefined
  const { secret } = await createKey(runtime, { name: 'first key' })
  return [
    '',
    'This is the first start. What follows is shown once; keep it.',
    '',
    '  Admin token, for the admin API:',
    `    ${token}`,
    '',
    '  A first developer key. These two lines connect Claude Code:',
    `    export ANTHROPIC_BASE_URL=${url}`,
    `    export ANTHROPIC_AUTH_TOKEN=${secret}`,
    '',
    '',
  ].join('\n')
}
