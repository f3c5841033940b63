/** What the first start says, once for an installation: its database remembers that it was said. */
import { ADMIN_TOKEN_HASH } from '../gateway/administer.ts'
import { createKey } from '../gateway/keys.ts'
import { hashOf, randomText } from '../protocol/keys.ts'
import type { Runtime } from '../runtime.ts'

const TOKEN_LENGTH = 43 // 256 bits

/** That a first key was made. */
const FIRST_KEY = 'first_key'

/** What is said but once: by the first process that starts on this database. */
export async function welcome(runtime: Runtime, url: string): Promise<string | undefined> {
  const words = [...(await adminWords(runtime)), ...(await keyWords(runtime, url))]
  return words.length === 0 ? undefined : ['', ONCE, ...words, '', ''].join('\n')
}

const ONCE = 'This is the first start. What follows is shown once; keep it.'

/** No token is made where the operator has set one. */
async function adminWords({ data, config }: Runtime): Promise<string[]> {
  const token = `oa_${randomText(TOKEN_LENGTH)}`
  if (config.adminToken !== undefined || !(await data.settings.claim(ADMIN_TOKEN_HASH, await hashOf(token))))
    return []
  return ['', '  Admin token, for the admin API:', `    ${token}`]
}

async function keyWords(runtime: Runtime, url: string): Promise<string[]> {
  if (!(await runtime.data.settings.claim(FIRST_KEY, true))) return []
  const { secret } = await createKey(runtime, { name: 'first key' })
  return [
    '',
    '  A first developer key. These two lines connect Claude Code:',
    `    export ANTHROPIC_BASE_URL=${url}`,
    `    export ANTHROPIC_AUTH_TOKEN=${secret}`,
  ]
}
